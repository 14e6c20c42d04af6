import Foundation
import ProjectTree
import Testing

@testable import PolicyCompiler

/// The kernel's own table, independent of ours: `Fixtures/syscalls-x86_64.txt`.
enum SyscallTable {
    static let numbers: [String: UInt32] = {
        let url = fixture("syscalls-x86_64.txt")
        guard let text = try? String(contentsOf: url, encoding: .utf8) else {
            fatalError("the fixture \(url.path) cannot be read")
        }
        var numbers: [String: UInt32] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            guard parts.count == 2, let number = UInt32(parts[0]) else { fatalError("fixture line \(line)") }
            numbers[String(parts[1])] = number
        }
        return numbers
    }()

    static func number(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> UInt32 {
        try #require(numbers[name], "no system call \(name)", sourceLocation: sourceLocation)
    }
}

func fixture(_ name: String) -> URL {
    ProjectTree.url(#filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)")
}

/// The top folder of the package.
func packageFile(_ path: String) -> URL {
    ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent(path)
}
