import Glibc
import SandboxPlan
import ServiceManager
import WorkspaceStore
import Workspaces

/// Does what was decided, one step after the other; the first that fails ends it, and the next call goes on there.
enum ServiceDoing {
    static func carryOut(_ step: ServiceStep, _ manager: UserManager) throws(ServiceError) {
        do throws(FileFault) {
            switch step {
            case .makeFolder(let path): try PlainFile.makeFolder(path)
            case .writeFile(let path, let text, let mode): try PlainFile.write(path, text, mode: mode)
            case .removeFile(let path):
                guard unlink(path) == 0 || errno == ENOENT else { throw FileFault(why: ErrnoName.described(errno)) }
            case .removeTree(let path): try removeData(path)
            case .manager(let words): try runManager(words, manager)
            }
        } catch { throw ServiceError("cannot \(step.words): \(error.why)") }
    }

    private static func runManager(_ words: [String], _ manager: UserManager) throws(FileFault) {
        do throws(ServiceError) { try manager.run(words) } catch { throw FileFault(why: error.text) }
    }

    /// Not while a server has it, which may be one that was started by hand.
    private static func removeData(_ path: String) throws(FileFault) {
        let url: DatabaseURL
        do throws(DatabaseURLError) {
            url = try DatabaseURL("sqlite:///\(path)/codex.db")
        } catch { throw FileFault(why: "\(error)") }
        do throws(StoreError) {
            try DatabaseAdministration(url, tool: "\(ToolVersion.current)").checkUnserved()
        } catch { throw FileFault(why: "\(error)") }
        do throws(WorkspaceError) {
            try DataRemoval.remove(OSString(path))
        } catch { throw FileFault(why: error.detail.isEmpty ? error.message : "\(error.message): \(error.detail)") }
    }

    /// The texts of what would be written, for a person to read.
    static func texts(_ steps: [ServiceStep]) -> [String] {
        var lines: [String] = []
        for step in steps {
            guard case .writeFile(let path, let text, _) = step else { continue }
            lines +=
                ["", "--- \(path)"] + text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        }
        return lines
    }
}
