import Glibc
import SandboxCLI
import SandboxPlan
import SandboxRuntime

/// `gc`.
enum GcCommand {
    static func run(_ arguments: [OSString]) -> Int32 {
        do throws(UsageError) {
            guard let options = try GcOptions.parse(arguments[...]) else { return Output.write(HelpText.text(.gc)) }
            var status: Int32 = 0
            if options.concernsRecords { status = max(status, collect(options)) }
            if options.concernsProjects { status = max(status, GcProjects.run(options)) }
            return status
        } catch {
            return Output.misunderstood(error)
        }
    }

    private static func collect(_ options: GcOptions) -> Int32 {
        var status: Int32 = 0
        var known = false
        do throws(EvidenceError) {
            let round = RecordsRound(keys: Keys(environment: CallerStrings.all(environ)), dryRun: options.dryRun)
            try round.collect(
                try locations(options),
                days: options.olderThanDays,
                keep: options.keep,
                size: options.evidenceSize
            ) { result in
                known = true
                switch result {
                case .collected(let report, let location, let reason):
                    let line = CollectionText.line(report, of: location, dryRun: options.dryRun, json: options.json)
                    status = max(status, Output.write(line))
                    if report.removed.records > 0, !options.dryRun {
                        Output.say("\(RemovalLine(report, of: location, reason: reason))")
                    }
                case .failed(let error):
                    Output.say("\(error.message); \(error.remedy)")
                    status = 1
                }
            }
            if !known, let workspace = options.workspace, options.evidenceSize == nil {
                let location = try Places.location(state: options.stateDirectory, workspace: workspace)
                Output.say("no record is kept for \(location.name)")
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
}
