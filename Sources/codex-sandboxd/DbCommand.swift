import Glibc
import SandboxAPI
import SandboxCLI
import SandboxPlan
import WorkspaceStore

/// `db`.
enum DbCommand {
    static func run(_ arguments: [OSString]) -> Int32 {
        let options: DatabaseOptions
        do throws(UsageError) {
            guard let parsed = try DatabaseOptions.parse(arguments[...]) else {
                return Output.write(HelpText.text(.db))
            }
            options = parsed
        } catch {
            return Output.misunderstood(error)
        }
        do throws(ServeError) {
            return try run(options)
        } catch {
            Output.say(error.text)
            return 1
        }
    }

    private static func run(_ options: DatabaseOptions) throws(ServeError) -> Int32 {
        let file = try SettingsFile.read(options.dotEnv)
        let text =
            options.url ?? SettingsFile.variable("DATABASE_URL", in: CallerStrings.all(environ))
            ?? file.values["DATABASE_URL"] ?? "sqlite:///./codex.db"
        let url: DatabaseURL
        do throws(DatabaseURLError) { url = try DatabaseURL(text) } catch { throw ServeError("DATABASE_URL: \(error)") }
        let database = DatabaseAdministration(url, tool: "\(ToolVersion.current)")
        do throws(StoreError) {
            switch options.action {
            case .status: break
            case .migrate: say(try database.migrate())
            case .stamp: say(try database.stamp())
            }
            let status = try database.status()
            return Output.write(options.json ? DatabaseText.json(status) : DatabaseText.table(status))
        } catch { throw ServeError("\(error)") }
    }

    private static func say(_ change: DatabaseAdministration.Change) {
        if change.adopted > 0 { Output.say("adopted as version \(change.adopted)") }
        for number in change.applied { Output.say("migration \(number) applied") }
        if change.adopted == 0, change.applied.isEmpty { Output.say("nothing to do") }
    }
}
