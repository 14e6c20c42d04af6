import Foundation
import Glibc

extension Scene {
    /// Makes every missing folder of a path of any bytes; they belong to the worker.
    public func makeFolders(_ path: [UInt8]) throws {
        for end in path.indices.dropFirst() where path[end] == 0x2F || end == path.count - 1 {
            let part = Array(path[...end])
            let made = Scene.withPath(part) { pointer in
                mkdir(pointer, 0o755) == 0 ? lchown(pointer, Caller.worker.uid, Caller.worker.gid) : 1
            }
            guard made != -1, Scene.withPath(part, { access($0, F_OK) }) == 0 else {
                throw TestFailure(call: "mkdir", on: String(decoding: part, as: UTF8.self))
            }
        }
    }

    /// Removes a test's folder that lies outside the scene; what lies in the scene goes with it.
    public func removeFolders(_ path: [UInt8]) {
        guard let text = String(validating: path, as: UTF8.self), text.hasPrefix("/"), !text.hasPrefix(folder),
            text.contains("codex-sandbox-test")
        else { return }
        let names = text.split(separator: "/")
        guard let own = names.firstIndex(where: { $0.hasPrefix("codex-sandbox-test") }) else { return }
        let root = "/" + names[...own].joined(separator: "/")
        do {
            try FileManager.default.removeItem(atPath: root)
        } catch {
            FileHandle.standardError.write(Data("tests: could not remove \(root): \(error)\n".utf8))
        }
    }

    public func holds(_ path: [UInt8]) -> Bool {
        Scene.withPath(path) { access($0, F_OK) } == 0
    }

    private static func withPath<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("a path without its end") }
            return body(base)
        }
    }

    /// What a launch may not change on the host: mounts, the temporary folders' names, cgroups, IPC objects.
    public func surroundings() throws -> [String: String] {
        var found: [String: String] = [:]
        for file in ["/proc/self/mountinfo", "/proc/sysvipc/shm", "/proc/sysvipc/msg", "/proc/sysvipc/sem"] {
            found[file] = try text(of: file)
        }
        for path in [folder, home, workspace, outside] { found[path] = try names(in: path).joined(separator: " ") }
        for path in ["/tmp", "/var/tmp", "/dev/shm", "/run"] {
            // Others work on this machine too: what belongs to the worker, or is named after the launcher.
            let own = try names(in: path).filter { name in
                guard exists("\(path)/\(name)"), !name.hasPrefix("codex-sandbox-test") else { return false }
                return try name.contains("codex-sandbox") || status(of: "\(path)/\(name)").owner == Caller.worker.uid
            }
            found[path] = own.joined(separator: " ")
        }
        return found
    }
}
