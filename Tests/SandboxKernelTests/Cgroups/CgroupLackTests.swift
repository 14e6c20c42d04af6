import Foundation
import SandboxPlan
import Testing

@testable import SandboxKernel

/// Where a controller was lost on its way down the tree, on a tree of plain files.
@Suite struct CgroupLackTests {
    private struct Tree {
        let folder: URL
        var host = CgroupHost()

        /// Groups by name, with their `cgroup.controllers`; `/proc/cgroups` as it says it.
        init(_ groups: [String: String], hierarchies: String, isNamespaced: Bool = false) throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "lacks-\(UUID().uuidString)")
            for (name, controllers) in groups {
                let group = folder.appending(path: "tree" + name)
                try FileManager.default.createDirectory(at: group, withIntermediateDirectories: true)
                try Data("\(controllers)\n".utf8).write(to: group.appending(path: "cgroup.controllers"))
            }
            if isNamespaced { try Data("domain\n".utf8).write(to: folder.appending(path: "tree/cgroup.type")) }
            let head = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
            try Data((head + hierarchies).utf8).write(to: folder.appending(path: "cgroups"))
            host.mount = OSString(folder.appending(path: "tree").path)
            host.hierarchies = OSString(folder.appending(path: "cgroups").path)
        }

        func remove() { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
    }

    private static let free = "memory\t0\t90\t1\npids\t0\t90\t1\ncpu\t0\t90\t1\n"

    @Test func theGroupThatHoldsItBackIsNamed() throws {
        let tree = try Tree(
            ["/": "memory pids cpu", "/a": "memory pids", "/a/b": "pids", "/a/b/c": ""],
            hierarchies: Self.free
        )
        defer { tree.remove() }
        let root = tree.host.mount
        for (controller, folder) in [
            (CgroupController.memory, root.appending("a")), (.pids, root.appending("a").appending("b")), (.cpu, root),
        ] {
            let lack = tree.host.lack(controller, of: "/a/b/c")
            #expect(lack == CgroupLack(controller, .heldBack(by: folder)))
            #expect(CgroupLack.words([lack]).contains("\(folder) has \(controller.rawValue), and does not hand on"))
            #expect(CgroupLack.remedy([lack]).contains("\(folder)/cgroup.subtree_control"))
        }
    }

    /// The same tree, seen from the root of the whole and from that of a cgroup namespace.
    @Test func aNamespaceHidesWhatIsAbove() throws {
        for isNamespaced in [true, false] {
            let tree = try Tree(["/": "hugetlb", "/a": ""], hierarchies: Self.free, isNamespaced: isNamespaced)
            defer { tree.remove() }
            for name in ["/", "/a"] as [OSString] {
                #expect(tree.host.lack(.memory, of: name).cause == (isNamespaced ? .outsideNamespace : .notInKernel))
            }
        }
    }

    @Test func whatVersionOneHasIsToldFromWhatNobodyHas() throws {
        let table = "memory\t4\t9\t1\npids\t0\t1\t0\n"
        let inside = try Tree(["/": "", "/a": ""], hierarchies: table, isNamespaced: true)
        defer { inside.remove() }
        #expect(
            CgroupController.allCases.map { inside.host.lack($0, of: "/a").cause } == [
                .versionOne, .outsideNamespace, .outsideNamespace,
            ]
        )
        let tree = try Tree(["/": "", "/a": ""], hierarchies: table)
        defer { tree.remove() }
        let lacks = CgroupController.allCases.map { tree.host.lack($0, of: "/a") }
        #expect(lacks.map(\.cause) == [.versionOne, .notInKernel, .notInKernel])
        let absence = CgroupAbsence.noControllers(lacks)
        #expect(
            absence.words.contains("on this host cgroup v1 has memory; this kernel has no pids, cpu in cgroup v2"),
            "\(absence.words)"
        )
        #expect(
            absence.remedy.contains("systemd.unified_cgroup_hierarchy=1") && absence.remedy.contains("cgroup_disable=")
        )
    }

    /// A unit is not told to be delegated where that would bring it nothing.
    @Test(arguments: [("", true), ("memory", false)])
    func whatNoDelegationBringsIsNoMatterOfDelegation(_ above: String, _ isHopeless: Bool) throws {
        let table = "memory\t4\t9\t1\npids\t4\t1\t1\ncpu\t4\t1\t1\n"
        let tree = try Tree(["/": above, "/a.service": ""], hierarchies: table)
        defer { tree.remove() }
        #expect((try tree.host.hopeless("/a.service") != nil) == isHopeless)
        #expect(
            try tree.host.hopeless("/")
                == (isHopeless ? CgroupController.allCases.map { CgroupLack($0, .versionOne) } : nil)
        )
    }

    /// A table that is not there proves nothing.
    @Test func whatCannotBeSeenIsSaid() throws {
        var tree = try Tree(["/": ""], hierarchies: "")
        defer { tree.remove() }
        tree.host.hierarchies = "/nonexistent/cgroups"
        #expect(tree.host.lack(.cpu, of: "/").cause == .unknown(file: "/nonexistent/cgroups", errno: ENOENT))
    }

    /// cgroup_namespaces(7): a mount from outside is shown with a root above the namespace's.
    @Test(arguments: [("/", true), ("/..", false), ("/../../x", false)])
    func aMountFromOutsideIsToldByItsRoot(_ root: String, _ isOf: Bool) throws {
        var tree = try Tree(["/": ""], hierarchies: "")
        defer { tree.remove() }
        let table = tree.folder.appending(path: "mountinfo")
        try Data("31 23 0:28 \(root) \(tree.host.mount) rw - cgroup2 cgroup2 rw\n".utf8).write(to: table)
        tree.host.mounts = OSString(table.path)
        #expect(tree.host.isOfNamespace == isOf)
    }
}
