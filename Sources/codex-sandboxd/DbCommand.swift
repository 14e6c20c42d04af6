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
        var given: [String: String] = [:]
        if let url = options.url { given[SettingName.databaseURL.rawValue] = url }
        if options.action == .restore, let folder = options.dataFolder { _ = try DataFolder(folder) }
        let url = try ServerData(
            given: given,
            dotEnv: options.dotEnv,
            folder: options.dataFolder,
            stateFolder: options.stateDirectory
        ).database
        if let folder = options.folder {
            let folder = try SettingsFile.absolute(folder.description, of: "db \(options.action.rawValue)")
            return options.action == .restore
                ? try RestoreCommand(options: options, database: url, folder: folder).run()
                : try BackupCommand(options: options, database: url, folder: folder).run()
        }
        let database = DatabaseAdministration(url, tool: "\(ToolVersion.current)")
        do throws(StoreError) {
            switch options.action {
            case .status, .backup, .restore: break
            case .migrate: say(try database.migrate())
            case .stamp: say(try database.stamp())
            }
            let status = try database.status()
            let written = Output.write(options.json ? DatabaseText.json(status) : DatabaseText.table(status))
            if case .unknown = status.state { return 1 }
            return written
        } catch { throw ServeError("\(error)") }
    }

    private static func say(_ change: DatabaseAdministration.Change) {
        if change.adopted > 0 { Output.say("adopted as version \(change.adopted)") }
        for number in change.applied { Output.say("migration \(number) applied") }
        if change.adopted == 0, change.applied.isEmpty { Output.say("nothing to do") }
    }
}
