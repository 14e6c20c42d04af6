import Foundation
import SandboxPlan
import Testing

@testable import SandboxKernel

@Suite struct RealPathTests {
    /// A folder with `real/deep`, and links in it.
    private final class Tree {
        let path: OSString

        init() throws {
            var template = Array("/tmp/codex-sandbox-test-real-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            path = try RealPath.of(OSString(template.dropLast().map { UInt8(bitPattern: $0) }))
            for folder in ["real", "real/deep"] { try #require(mkdir("\(path)/\(folder)", 0o755) == 0) }
            for (name, target) in [
                ("link", "real"), ("chain", "link/deep"), ("absolute", "\(path)/real"), ("nowhere", "real/later"),
                ("ring", "ring"), ("far", "nowhere/more"),
            ] {
                try #require(symlink(target, "\(path)/\(name)") == 0)
            }
        }

        deinit {
            do {
                try FileManager.default.removeItem(atPath: "\(path)")
            } catch { Issue.record("\(path) is left: \(error)") }
        }
    }

    @Test(arguments: [
        ("real", "real"), ("link", "real"), ("link/deep", "real/deep"), ("chain", "real/deep"), ("absolute", "real"),
        ("missing/x/y", "missing/x/y"), ("link/x/y", "real/x/y"), ("nowhere", "real/later"),
        ("nowhere/x", "real/later/x"), ("far", "real/later/more"), ("real/../link/deep", "real/deep"),
        ("link/./deep/", "real/deep"),
    ])
    func linksAreFollowedAndTheRestStays(written: OSString, real: OSString) throws {
        let tree = try Tree()
        #expect(try RealPath.of(tree.path.appending(written)) == tree.path.appending(real))
    }

    @Test(
        arguments: [
            ("real/deep", ["real/deep"]), ("chain", ["chain", "link/deep", "real/deep"]),
            ("link/deep", ["link/deep", "real/deep"]), ("absolute/x", ["absolute/x", "real/x"]),
            ("real/../link/deep", ["real", "link/deep", "real/deep"]),
            ("far", ["far", "nowhere/more", "real/later/more"]), ("missing/x", ["missing/x"]),
        ] as [(OSString, [OSString])]
    )
    func everyNameOnTheWayIsTold(written: OSString, names: [OSString]) throws {
        let tree = try Tree()
        #expect(RealPath.way(of: tree.path.appending(written)) == names.map { tree.path.appending($0) })
    }

    @Test func theWayThroughARingHasAnEnd() throws {
        let tree = try Tree()
        #expect(Set(RealPath.way(of: tree.path.appending("ring/x"))) == [tree.path.appending("ring/x")])
    }

    @Test func aRingIsAnError() throws {
        let tree = try Tree()
        let error = #expect(throws: SyscallError.self) { try RealPath.of(tree.path.appending("ring/x")) }
        #expect(error?.errno == ELOOP)
        #expect(try RealPath.of("/") == "/")
    }
}
