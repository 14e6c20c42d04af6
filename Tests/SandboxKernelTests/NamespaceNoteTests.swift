import Glibc
import SandboxPlan
import Testing

@testable import SandboxKernel

/// What is taken of the helper's note on the supervisor's namespaces: all of it as the kernel writes links, or nothing.
@Suite struct NamespaceNoteTests {
    private static let names = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"]

    private func links(_ change: (inout [[UInt8]]) -> Void = { _ in }) -> [OSString]? {
        var fields = Self.names.map { Array("\($0):[4026531840]".utf8) }
        change(&fields)
        let note = fields.flatMap { $0 + [UInt8](repeating: 0, count: max(0, 32 - $0.count)) }
        return note.withUnsafeBytes { NamespaceNote.links(in: $0) }
    }

    @Test func whatTheKernelWritesIsTaken() throws {
        #expect(links() == Self.names.map { OSString("\($0):[4026531840]") })
        // The form is really the kernel's.
        let own = try Self.names.map { Array(try FileReading.link(OSString("/proc/self/ns/\($0)")).bytes) }
        #expect(links { $0 = own } == own.map { OSString($0) })
    }

    @Test(arguments: 0..<8) func anythingElseIsNot(_ index: Int) {
        let name = Self.names[index]
        let number = "4026531840"
        let wrong = [
            "", "x", name, "\(name):", "\(name):[]", "\(name):[\(number)", "\(name):\(number)]",
            "\(name):[40265x1840]", "\(name):[\(number)] ", " \(name):[\(number)]",
            "x\(name.dropFirst()):[\(number)]", "\(name)[\(number)]",
            "\(name):[\(String(repeating: "1", count: 40))]",
        ]
        for text in wrong { #expect(links { $0[index] = Array(Array(text.utf8).prefix(32)) } == nil, "\(text)") }
        #expect(links { $0.swapAt(index, (index + 1) % 8) } == nil)
        #expect(links { $0.removeLast() } == nil)
    }
}
