import Glibc
import SandboxAPI
import SandboxCLI
import SandboxPlan
import WorkspaceStore

/// Where a server's data is, for the commands that look at it from outside: as `serve` would find it.
struct ServerData {
    let database: DatabaseURL
    /// Absolute.
    let root: OSString
    let rootAsWritten: String

    /// - Parameters:
    ///   - given: settings of the command line.
    ///   - dotEnv: the file of settings; nil for `.env`, which may be missing.
    ///   - folder: `--data-dir`; it is not made.
    ///   - stateFolder: `--state-dir`, whose records say where jobs have run.
    /// - Throws: `ServeError` for a file or value that cannot be used.
    init(
        given: [String: String],
        dotEnv: OSString?,
        folder: OSString?,
        stateFolder: OSString?
    ) throws(ServeError) {
        let file = try SettingsFile.read(dotEnv, stateFolder: stateFolder)
        let environment = CallerStrings.all(environ)
        var data: [String: String] = [:]
        if let folder {
            let path = try SettingsFile.absolute(folder.description, of: "--data-dir")
            guard let text = path.utf8 else { throw ServeError("--data-dir \(path) is not UTF-8; name another folder") }
            data = DataFolder.settings(of: text)
        }
        func value(_ name: SettingName, _ usual: String) -> String {
            given[name.rawValue] ?? SettingsFile.variable(name.rawValue, in: environment) ?? file.values[name.rawValue]
                ?? data[name.rawValue] ?? usual
        }
        do throws(DatabaseURLError) {
            database = try DatabaseURL(value(.databaseURL, APISettings().databaseURL))
        } catch { throw ServeError("\(error)") }
        rootAsWritten = value(.workspaceRoot, APISettings().workspaceRoot)
        root = try SettingsFile.absolute(rootAsWritten, of: SettingName.workspaceRoot.rawValue)
    }
}
