import Glibc
import SandboxAPI
import SandboxCLI
import SandboxPlan
import WorkspaceStore
import Workspaces

/// Whether a folder is what `--purge` takes it for: the data of a server, of the caller's own; and what in it or beside it stays.
enum RecognisedData {
    /// - Parameters:
    ///   - path: absolute; it is there.
    ///   - elsewhere: the settings that put data of the service to another place.
    ///   - settings: the file that they stand in.
    /// - Returns: what no server has made, with whole paths.
    /// - Throws: `ServiceError` that says what is in it that no server has made, or what is missing.
    static func check(
        _ path: String,
        elsewhere: [(name: SettingName, value: String)],
        settings: String
    ) throws(ServiceError) -> [OSString] {
        let folder: ServerFolder
        do throws(WorkspaceError) { folder = try ServerFolder(OSString(path)) } catch {
            throw refusal(path, error.detail)
        }
        let isServers = folder.hasDatabase ? try hasTables(path) : false
        // A purge that was interrupted has left the database, or no project; so does one of a server that has not come to its first.
        guard isServers || !folder.hasProjects else {
            let why = "it has projects and no \(databaseName)"
            guard elsewhere.contains(where: { $0.name == .databaseURL }) else { throw refusal(path, why) }
            throw refusal(
                path,
                why,
                "\(settings) sets DATABASE_URL, and --purge takes no database from elsewhere: leave --purge out, then remove that database "
                    + "and \(path)/ yourself"
            )
        }
        return folder.foreign
    }

    private static let databaseName = "codex.db"

    private static func refusal(
        _ path: String,
        _ why: String,
        _ remedy: String = "name the right folder with --state-dir, or leave --purge out and remove it yourself"
    ) -> ServiceError {
        ServiceError(
            "\(path)/ is not recognised as the data of a server (\(why)), so --purge removes nothing and nothing was changed; \(remedy)"
        )
    }

    /// Whether its tables are ours, of this version or an older one; false for one without tables.
    private static func hasTables(_ path: String) throws(ServiceError) -> Bool {
        let file = "\(path)/\(databaseName)"
        let url: DatabaseURL
        do throws(DatabaseURLError) {
            url = try DatabaseURL("sqlite:///\(file)")
        } catch { throw refusal(path, "\(error)") }
        let state: DatabaseAdministration.Status.State
        do throws(StoreError) {
            state = try DatabaseAdministration(url, tool: "\(ToolVersion.current)").status().state
        } catch { throw refusal(path, "\(error)") }
        switch state {
        case .original, .unmarked, .current, .behind: return true
        case .missing: return false
        case .unknown(let error): throw refusal(path, "\(error)")
        }
    }

    // MARK: - Beside it

    /// The settings that put data of the service to another place than its own; none where there is no file.
    ///
    /// - Throws: `ServiceError` for a file that cannot be read: where the data lies is not known then.
    static func elsewhere(
        _ path: String,
        settings: String
    ) throws(ServiceError) -> [(name: SettingName, value: String)] {
        // It may lead to a file system that is not mounted now.
        guard !ServicePlaces.isThere(settings) || access(settings, F_OK) == 0 else {
            throw ServiceError(
                "\(settings) leads nowhere now, and may say where data lies, so --purge removes nothing and nothing was changed; mend or "
                    + "remove the link"
            )
        }
        let file: DotEnvFile
        do throws(ServeError) { file = try SettingsFile.read(OSString("-\(settings)")) } catch {
            throw ServiceError(
                "\(error.text); it may say where data lies, so --purge removes nothing and nothing was changed"
            )
        }
        let usual = DataFolder.settings(of: path)
        var found: [(name: SettingName, value: String)] = []
        for name in [SettingName.databaseURL, .workspaceRoot] {
            guard let value = file.values[name.rawValue], let usual = usual[name.rawValue], !isSame(name, value, usual)
            else {
                continue
            }
            found.append((name, name == .databaseURL ? SettingProblem.withoutSecrets(value) : value))
        }
        return found
    }

    /// Whether two values of a setting mean the same place, however they are written.
    private static func isSame(_ name: SettingName, _ value: String, _ usual: String) -> Bool {
        guard value != usual else { return true }
        do {
            let (place, own) =
                name == .databaseURL ? (try DatabaseURL(value).path, try DatabaseURL(usual).path) : (value, usual)
            // From the service's folder on, which is not this one.
            guard place.hasPrefix("/") else { return false }
            return try SettingsFile.absolute(place, of: name.rawValue) == SettingsFile.absolute(own, of: name.rawValue)
        } catch {
            // What cannot be resolved is named, for a person to look at.
            return false
        }
    }
}
