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
            case .removeFile(let path): try remove(path)
            case .removeUnit(let path):
                // The manager may have taken minutes to end the server.
                guard let bytes = try PlainFile.read(path, limit: unitLimit) else { return [] }
                guard ServiceUnits.isOurs(String(decoding: bytes, as: UTF8.self)) else {
                    throw FileFault(why: "somebody has put another there, which was not written by service install")
                }
                try remove(path)
            case .removeLeftover(let file):
                guard let bytes = try PlainFile.read(file.path, limit: unitLimit) else { return [] }
                guard bytes == file.bytes else { throw FileFault(why: "it is another than before; call it once more") }
                try remove(file.path)
            case .removeData(let path, _): return try removeData(path)
            case .manager(let words): try runManager(words, manager)
            case .reload(let folder):
                try runManager(["daemon-reload"], manager)
                if let folder { try check(folder, manager) }
            }
        } catch { throw ServiceError("cannot \(step.words): \(error.why)") }
        return []
    }

    private static let unitLimit = 1 << 20

    private static func remove(_ path: String) throws(FileFault) {
        guard unlink(path) == 0 || errno == ENOENT else { throw FileFault(why: ErrnoName.described(errno)) }
    }

    /// Whether the manager has the units of a folder: it may look in others.
    private static func check(_ folder: String, _ manager: UserManager) throws(FileFault) {
        let states: (service: UnitState?, socket: UnitState?)
        do throws(ServiceError) { states = try manager.states() } catch { throw FileFault(why: error.text) }
        for (state, name) in [(states.service, ServiceUnits.serviceName), (states.socket, ServiceUnits.socketName)] {
            let path = state?["FragmentPath"] ?? ""
            guard path.isEmpty || !ServicePlaces.others([(state, name)], folder).isEmpty else { continue }
            let error = ServicePlanError.unheeded(manager: path.isEmpty ? nil : path, folder: folder)
            throw FileFault(why: error.words)
        }
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
            case .makeFolder, .removeFile, .removeUnit, .removeLeftover, .removeData, .manager, .reload: continue
            }
        }
        return lines
    }
}
