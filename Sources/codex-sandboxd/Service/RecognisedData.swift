import Glibc
import SandboxPlan
import ServiceManager
import WorkspaceStore

/// Whether a folder is what `--purge` takes it for: the data of a server, of the caller's own, and nothing besides.
///
/// It is removed with everything in it, so what is not recognised stays.
enum RecognisedData {
    /// What a server makes in it: the database with what stands beside it (`-wal`, `.lock`, what a restore has kept), the projects.
    private static let database = "codex.db"
    private static let projects = "workspaces"

    /// - Parameter path: absolute; it is there.
    /// - Throws: `ServiceError` that says what is in it that no server has made, or what is missing.
    static func check(_ path: String) throws(ServiceError) {
        let names: [String]
        do throws(FileFault) { names = try list(path) } catch { throw refusal(path, error.why) }
        if names.isEmpty { return }
        if let other = names.sorted().first(where: { !$0.hasPrefix(database) && $0 != projects }) {
            throw refusal(path, "it has \(OSString(other)), which no server has made")
        }
        guard names.contains(database) else { throw refusal(path, "it has no \(database)") }
        try checkDatabase(path)
    }

    private static func refusal(_ path: String, _ why: String) -> ServiceError {
        ServiceError(
            "\(path)/ is not recognised as the data of a server (\(why)), so --purge removes nothing and nothing was changed; name the "
                + "right folder with --state-dir, or leave --purge out and remove it yourself"
        )
    }

    /// A folder of the caller's own, no link; its names.
    private static func list(_ path: String) throws(FileFault) -> [String] {
        let number = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else {
            throw FileFault(
                why: errno == ELOOP || errno == ENOTDIR ? "it is a link, or no folder" : ErrnoName.described(errno)
            )
        }
        var status = stat()
        let isOwn = fstat(number, &status) == 0 && status.st_uid == geteuid()
        guard isOwn, let stream = fdopendir(number) else {
            let why = isOwn ? ErrnoName.described(errno) : "it belongs to another account"
            close(number)
            throw FileFault(why: why)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw FileFault(why: ErrnoName.described(errno)) }
                return names
            }
            // Bytes that are not UTF-8 are no name of ours, whatever they become here.
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    /// Its tables are ours, of this version or an older one.
    private static func checkDatabase(_ path: String) throws(ServiceError) {
        let file = "\(path)/\(database)"
        let url: DatabaseURL
        do throws(DatabaseURLError) {
            url = try DatabaseURL("sqlite:///\(file)")
        } catch { throw refusal(path, "\(error)") }
        let state: DatabaseAdministration.Status.State
        do throws(StoreError) {
            state = try DatabaseAdministration(url, tool: "\(ToolVersion.current)").status().state
        } catch { throw refusal(path, "\(error)") }
        switch state {
        case .original, .unmarked, .current, .behind: return
        case .missing: throw refusal(path, "\(database) is empty")
        case .unknown(let error): throw refusal(path, "\(error)")
        }
    }
}
