import Glibc
import SandboxPlan
import ServiceManager
import WorkspaceStore
import Workspaces

/// Does what was decided, one step after the other; the first that fails ends it, and the next call goes on there.
enum ServiceDoing {
    /// - Returns: what no server has made and therefore stays, with whole paths.
    static func carryOut(_ step: ServiceStep, _ manager: UserManager) throws(ServiceError) -> [OSString] {
        do throws(FileFault) {
            switch step {
            case .makeFolder(let path): try PlainFile.makeFolder(path)
            case .writeFile(let path, let text, let mode): try PlainFile.write(path, text, mode: mode)
            case .addFile(let path, let text, let mode): try PlainFile.add(path, text, mode: mode)
            case .removeFile(let path):
                guard unlink(path) == 0 || errno == ENOENT else { throw FileFault(why: ErrnoName.described(errno)) }
            case .removeData(let path, _): return try removeData(path)
            case .manager(let words): try runManager(words, manager)
            }
        } catch { throw ServiceError("cannot \(step.words): \(error.why)") }
        return []
    }

    private static func runManager(_ words: [String], _ manager: UserManager) throws(FileFault) {
        do throws(ServiceError) { try manager.run(words) } catch { throw FileFault(why: error.text) }
    }

    /// Not while a server has it, which may be one that was started by hand.
    private static func removeData(_ path: String) throws(FileFault) -> [OSString] {
        let url: DatabaseURL
        do throws(DatabaseURLError) {
            url = try DatabaseURL("sqlite:///\(path)/codex.db")
        } catch { throw FileFault(why: "\(error)") }
        let database: UnservedDatabase?
        do throws(StoreError) {
            database = try DatabaseAdministration(url, tool: "\(ToolVersion.current)").keepUnserved()
        } catch { throw FileFault(why: error.kind == .busy ? "\(error.message); end that one" : "\(error)") }
        defer { withExtendedLifetime(database) {} }
        do throws(WorkspaceError) {
            return try ServerFolder(OSString(path)).remove()
        } catch {
            let why = error.detail.isEmpty ? error.message : "\(error.message): \(error.detail)"
            throw FileFault(why: "\(why); mend that, and call it once more: what is not removed yet is recognised")
        }
    }

    /// The texts of what would be written, for a person to read.
    static func texts(_ steps: [ServiceStep]) -> [String] {
        var lines: [String] = []
        for step in steps {
            switch step {
            case .writeFile(let path, let text, _), .addFile(let path, let text, _):
                lines +=
                    ["", "--- \(path)"] + text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            case .makeFolder, .removeFile, .removeData, .manager: continue
            }
        }
        return lines
    }
}
