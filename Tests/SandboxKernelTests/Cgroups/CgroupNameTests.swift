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

    @Test(arguments: [
        ("cpuset cpu io memory hugetlb pids rdma misc\n", [CgroupController.memory, .pids, .cpu]),
        ("pids", [.pids]), ("", []), ("\n", []), ("memoryx cpuset\n", []), ("hugetlb\n", []),
    ])
    func controllersThatHoldALimitOfOurs(_ list: String, _ expected: [CgroupController]) {
        #expect(CgroupHost.controllers(Array(list.utf8)) == expected)
    }
}
