import SandboxAPI
import SandboxCLI
import SandboxPlan
import WorkspaceStore

/// The values of flags of `serve`, each by itself: a wrong one is a wrong command line, as for every other command.
///
/// What the same setting says in the environment or in a file is judged at the start (`ServeSettings`), and so is what does
/// not go together.
enum ServeFlags {
    /// - Throws: `UsageError` for the first value that can never be one.
    static func check(_ options: ServeOptions) throws(UsageError) {
        let flags = options.settings
        do throws(SettingsError) {
            _ = try APISettings { flags[$0] }
        } catch {
            if let problem = error.problems.first(where: { !$0.isOfSeveral }) {
                throw bad(problem.name.rawValue, problem.shownValue, "\(problem.reason); allowed: \(problem.allowed)")
            }
        }
        if let url = flags[SettingName.databaseURL.rawValue] {
            do throws(DatabaseURLError) {
                _ = try DatabaseURL(url)
            } catch {
                // The address of another database may have a password in it.
                throw bad(SettingName.databaseURL.rawValue, SettingProblem.withoutSecrets(url), "\(error)")
            }
        }
        if let worker = flags["WORKER"], !ServeSettings.workers.contains(worker) {
            let allowed = ServeSettings.workers.joined(separator: ", ")
            throw bad("WORKER", worker, "there is no such worker; allowed: \(allowed)")
        }
    }

    private static func bad(_ setting: String, _ value: String, _ why: String) -> UsageError {
        UsageError(
            .badValue(option: ServeOptions.flag(of: setting), value: OSString(value), why: why + "."),
            command: .serve
        )
    }
}
