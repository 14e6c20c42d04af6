import Foundation
import Glibc

/// What the host's /proc says, looked at from the tests.
public enum HostProcesses {
    /// Every process by number, with its parent and its state; those that go away meanwhile are left out.
    public static func all() throws -> [Int32: (parent: Int32, state: Character)] {
        var found: [Int32: (Int32, Character)] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            guard let number = Int32(name), let stat = contents("/proc/\(name)/stat"),
                let end = stat.lastIndex(of: UInt8(ascii: ")"))
            else { continue }
            let fields = String(decoding: stat[(end + 2)...], as: UTF8.self).split(separator: " ")
            guard fields.count > 1, let state = fields[0].first, let parent = Int32(fields[1]) else { continue }
            found[number] = (parent, state)
        }
        return found
    }

    /// The living processes below one, at any depth.
    public static func descendants(of process: Int32) throws -> [Int32] {
        let all = try all()
        var found: [Int32] = []
        var next = [process]
        while let parent = next.popLast() {
            let children = all.filter { $0.value.parent == parent && $0.value.state != "Z" }.map(\.key)
            found += children
            next += children
        }
        return found
    }

    /// The processes in whose command line a text stands.
    public static func mentioning(_ text: String) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
            guard let number = Int32(name), let line = contents("/proc/\(name)/cmdline"),
                Data(line).range(of: Data(text.utf8)) != nil
            else { return nil }
            return number
        }
    }

    private static func contents(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &bytes, bytes.count)
        return count >= 0 ? Array(bytes[..<count]) : nil
    }
}

extension HostProcesses {
    /// How many tasks one process is; 0 if it has gone.
    public static func threads(of process: Int32) throws -> Int {
        var isFolder: ObjCBool = false
        let path = "/proc/\(process)/task"
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return 0 }
        return try FileManager.default.contentsOfDirectory(atPath: path).count
    }
}
