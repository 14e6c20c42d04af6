import Foundation
import SandboxPlan
import Testing

@testable import SandboxKernel

/// What `/proc/PID/cgroup` says, and what of it can be used.
@Suite struct CgroupNameTests {
    @Test(arguments: [
        ("0::/user.slice/a.scope\n", "/user.slice/a.scope"), ("0::/\n", "/"),
        // Hybrid: version 1 beside it, in any order.
        ("4:memory:/x\n1:name=systemd:/y\n0::/z\n", "/z"), ("0::/z\n4:memory:/x\n", "/z"),
        ("0::/a b\\c\n", "/a b\\c"),
    ])
    func theUnifiedLineIsTheName(_ table: String, _ name: String) {
        #expect(CgroupName.of(Array(table.utf8)) == OSString(name))
    }

    @Test(arguments: ["", "4:memory:/x\n", "10::/x\n", "00::/x\n", "\n"])
    func withoutOneThereIsNone(_ table: String) {
        #expect(CgroupName.of(Array(table.utf8)) == nil)
    }

    @Test(arguments: [
        ("/a/b", true), ("/", true), ("/a..b", true), ("/..", false), ("/../x", false), ("/a/../b", false),
        ("/x (deleted)", false), ("x", false), ("", false),
    ])
    func aGroupOutOfSightIsNotUsed(_ name: String, _ expected: Bool) {
        #expect(CgroupName.isInNamespace(OSString(name)) == expected)
    }

    @Test(arguments: [
        ("/user.slice/x.scope", "x.scope"), ("/a.service", "a.service"), ("/a.slice", "a.slice"), ("/a.service/b", nil),
        ("/", nil), ("/scope", nil), ("/codex-sandbox.callers", nil),
    ])
    func unitsAreKnownByTheirSuffix(_ name: String, _ unit: String?) {
        #expect(CgroupName.unit(OSString(name)) == unit.map { OSString($0) })
    }

    @Test(arguments: [
        ("[Scope]\nDelegate=yes\n", true), ("Delegate=memory pids\n", true), ("Delegate=\n", true),
        ("Delegate=no\n", false),
        ("Delegate=yes\nDelegate=no\n", false), ("Description=Delegate=yes\n", nil), ("", nil),
        ("#Delegate=yes\n", nil),
    ])
    func aUnitThatWasStartedByACallSaysWhatItIs(_ text: String, _ delegated: Bool?) {
        #expect(UserUnit.delegation(Array(text.utf8)) == delegated)
    }

    /// The first folder's file counts, and settings beside it in any of them, by their names.
    @Test(arguments: [
        (["a/x.service": "Delegate=yes"], true), (["b/x.service": "Delegate=yes"], true),
        (["a/x.service": "", "b/x.service": "Delegate=yes"], false), ([:], false),
        (["a/x.service": "", "b/x.service.d/1.conf": "Delegate=cpu"], true),
        (["b/x.service": "Delegate=yes", "a/x.service.d/9.conf": "Delegate=no"], false),
        (["b/x.service": "", "a/x.service.d/1.conf": "Delegate=no", "b/x.service.d/2.conf": "Delegate=yes"], true),
        (["b/x.service": "", "a/x.service.d/1.conf": "Delegate=no", "b/x.service.d/1.conf": "Delegate=yes"], false),
        (["a/y.service": "Delegate=yes", "a/x.service.d/1.text": "Delegate=yes"], false),
    ])
    func aServiceSaysWhatItIsInItsFiles(_ files: [String: String], _ delegated: Bool) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "units-\(UUID().uuidString)")
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, text) in files {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data("[Service]\n\(text)\n".utf8).write(to: file)
        }
        let folders = ["a", "b"].map { OSString(folder.appending(path: $0).path) }
        #expect(UserUnit("x.service", in: folders).isDelegated == delegated)
    }

    @Test func whatDisksAndWaitingCost() {
        let disks = Array("8:0 rbytes=10 wbytes=3 rios=1\n8:16 rbytes=5 wbytes=0 rios=9".utf8)
        #expect(CgroupFile.sum("rbytes=", in: disks) == 15 && CgroupFile.sum("wbytes=", in: disks) == 3)
        #expect(CgroupFile.sum("rbytes=", in: []) == 0)
        #expect(CgroupFile.number("throttled_usec", in: Array("usage_usec 1\nthrottled_usec 22".utf8)) == 22)
    }

    @Test(arguments: [
        ("cpuset cpu io memory hugetlb pids rdma misc\n", [CgroupController.memory, .pids, .cpu]),
        ("pids", [.pids]), ("", []), ("\n", []), ("memoryx cpuset\n", []), ("hugetlb\n", []),
    ])
    func controllersThatHoldALimitOfOurs(_ list: String, _ expected: [CgroupController]) {
        #expect(CgroupHost.controllers(Array(list.utf8)) == expected)
    }
}
