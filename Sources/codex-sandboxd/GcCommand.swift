import Glibc
import SandboxCLI
import SandboxPlan
import SandboxRuntime

/// `gc`.
enum GcCommand {
    static func run(_ arguments: [OSString]) -> Int32 {
        do throws(UsageError) {
            guard let options = try GcOptions.parse(arguments[...]) else { return Output.write(HelpText.text(.gc)) }
            return collect(options)
        } catch {
            return Output.misunderstood(error)
        }
    }

    private static func collect(_ options: GcOptions) -> Int32 {
        var status: Int32 = 0
        do throws(EvidenceError) {
            let keys = Keys(environment: CallerStrings.all(environ))
            for location in try locations(options) {
                status = max(status, collect(location, options, keys))
            }
        } catch {
            Output.say("\(error.message); \(error.remedy)")
            return 1
        }
        return status
    }

    private static func locations(_ options: GcOptions) throws(EvidenceError) -> [EvidenceLocation] {
        guard options.workspace == nil else {
            return [try Places.location(state: options.stateDirectory, workspace: options.workspace)]
        }
        return try EvidenceCollector.workspaces(stateFolder: try Places.stateFolder(options.stateDirectory))
    }

    /// One workspace: what is wrong with it keeps no other from being cleaned.
    private static func collect(_ location: EvidenceLocation, _ options: GcOptions, _ keys: Keys) -> Int32 {
        do throws(EvidenceError) {
            let report = try EvidenceCollector.collect(
                location,
                EvidenceCollector.Criteria(olderThanDays: options.olderThanDays, keep: options.keep),
                dryRun: options.dryRun,
                toolVersion: ToolVersion.current,
                keys: try keys.verification([]),
                key: { () throws(EvidenceError) in try keys.signing() }
            )
            guard let report else {
                if options.workspace != nil { Output.say("no record is kept for \(location.name)") }
                return 0
            }
            return Output.write(CollectionText.line(report, of: location, dryRun: options.dryRun, json: options.json))
        } catch {
            Output.say("\(error.message); \(error.remedy)")
            return 1
        }
    }
}
