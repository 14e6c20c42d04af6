import SandboxCLI
import SandboxPlan
import SandboxRuntime

/// `status`.
enum StatusCommand {
    static func run(_ arguments: [OSString]) -> Int32 {
        do throws(UsageError) {
            guard let options = try StatusOptions.parse(arguments[...]) else {
                return Output.write(HelpText.text(.status))
            }
            return show(options)
        } catch {
            return Output.misunderstood(error)
        }
    }

    private static func show(_ options: StatusOptions) -> Int32 {
        let found: RunningJobs.Found
        do throws(EvidenceError) {
            found = try RunningJobs.find()
        } catch {
            Output.say("\(error.message); \(error.remedy)")
            return 1
        }
        for problem in found.problems { Output.say(problem) }
        var jobs = found.jobs
        if let name = options.name { jobs.removeAll { $0.name != name.text } }
        let written =
            options.json
            ? Output.write(StatusText.json(jobs).bytes + [UInt8(ascii: "\n")]) : Output.write(StatusText.table(jobs))
        if jobs.isEmpty, !options.json || options.name != nil {
            Output.say(options.name.map { "no job of the name \($0) is running" } ?? "no job is running")
        }
        let isMissing = options.name != nil && jobs.isEmpty
        return isMissing || !found.problems.isEmpty ? 1 : written
    }
}
