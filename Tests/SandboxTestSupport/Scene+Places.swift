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
    public func surroundings() throws -> Set<String> {
        var found: Set<String> = []
        for file in ["/proc/self/mountinfo", "/proc/sysvipc/shm", "/proc/sysvipc/msg", "/proc/sysvipc/sem"] {
            found.formUnion(try text(of: file).split(separator: "\n").map { "\(file): \($0)" })
        }
        for path in [folder, home, workspace, outside] {
            found.formUnion(try names(in: path).map { "\(path)/\($0)" })
        }
        let ofTests = [
            "codex-sandbox-test", "workspace-store-", "workspaces-tests.", "evidence-tests-", "scratch-removal-",
            "spares-", "doctor-", "lacks-", "transport-",
        ]
        for path in ["/tmp", "/var/tmp", "/dev/shm", "/run"] {
            // Others work on this machine too: what belongs to the worker, or is named after the launcher.
            let own = try names(in: path).filter { name in
                var status = stat()
                // And other tests, as the same account.
                let isOfTests = ofTests.contains { name.hasPrefix($0) }
                guard lstat("\(path)/\(name)", &status) == 0, !isOfTests else { return false }
                return name.contains("codex-sandbox") || status.st_uid == Caller.worker.uid
            }
            found.formUnion(own.map { "\(path)/\($0)" })
        }
        return found
    }

    /// What is there and was not before, once others have had a minute to take away what they put there meanwhile.
    public func left(since before: Set<String>) throws -> Set<String> {
        var left = try surroundings().subtracting(before)
        for _ in 0..<600 where !left.isEmpty {
            usleep(100_000)
            left.formIntersection(try surroundings())
        }
        return left
    }
}
