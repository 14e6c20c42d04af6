import Glibc
import SandboxPlan
import Testing

@testable import SandboxKernel

/// What is taken for a namespace's link: what the kernel writes, and nothing else.
@Suite struct NamespaceLinkTests {
    private static let names = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"]

    @Test(arguments: names) func whatTheKernelWritesIsTaken(name: String) throws {
        #expect(NamespaceLink.isLink(OSString("\(name):[4026531840]"), of: name))
        // The form is really the kernel's.
        #expect(NamespaceLink.isLink(try FileReading.link(OSString("/proc/self/ns/\(name)")), of: name))
    }

    @Test(arguments: names) func anythingElseIsNot(name: String) {
        let number = "4026531840"
        let wrong = [
            "", "x", name, "\(name):", "\(name):[]", "\(name):[\(number)", "\(name):\(number)]",
            "\(name):[40265x1840]", "\(name):[\(number)] ", " \(name):[\(number)]",
            "x\(name.dropFirst()):[\(number)]", "\(name)[\(number)]",
        ]
        for text in wrong { #expect(!NamespaceLink.isLink(OSString(text), of: name), "\(text)") }
        for other in Self.names where other != name {
            #expect(!NamespaceLink.isLink(OSString("\(other):[\(number)]"), of: name))
        }
    }
}
