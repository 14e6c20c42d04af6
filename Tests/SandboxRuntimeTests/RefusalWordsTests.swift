import Glibc
import SandboxKernel
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// A refusal names what is at fault, and not what is at fault elsewhere.
@Suite struct RefusalWordsTests {
    @Test(arguments: [
        (ENOSYS, "lsm="), (EOPNOTSUPP, "lsm="), (E2BIG, "no more than 16"), (EMFILE, "ulimit -n"), (EBADF, "doctor"),
        (EPERM, "doctor"),
    ])
    func landlockIsNotBootedAwayWhereItIsThere(errno code: Int32, words: String) {
        let refusal = Refusal(PlaceError.step(index: 0, errno: code), steps: [.landlock])
        #expect(refusal.errno == code && refusal.layer == .landlock)
        #expect(refusal.remedy.contains(words), "\(refusal.remedy)")
        #expect(refusal.remedy.contains("lsm=") == (words == "lsm="), "\(refusal.remedy)")
    }

    @Test(arguments: [
        ("descriptors of pid 1", "close_range(2)"), ("descriptors of the worker", "close_range(2)"),
        ("exec of pid 1", "execveat(2)"),
    ])
    func aStepWhoseCallIsMissingNamesIt(what: String, call: String) {
        func refusal(_ errno: Int32) -> Refusal {
            Refusal(PlaceError.setUp(what: what, layer: .descriptors, errno: errno), steps: [])
        }
        let missing = refusal(ENOSYS)
        #expect(missing.layer == .descriptors && missing.step == what)
        #expect(missing.remedy.hasPrefix(call) && !missing.remedy.contains("doctor"), "\(missing.remedy)")
        #expect(refusal(EIO).remedy.contains("doctor"), "\(refusal(EIO).remedy)")
    }

    /// Each has a remedy of its own: a namespace, or a module of security, is not had by another filter alone.
    @Test func whereAnotherCallMayBeMissingNoneIsNamed() {
        let namespaces = PlaceError.setUp(what: "new namespaces (clone)", layer: .userNamespace, errno: ENOSYS)
        #expect(Refusal(namespaces, steps: []).remedy.contains("user namespaces"))
        #expect(Refusal(.step(index: 0, errno: ENOSYS), steps: [.landlock]).remedy.contains("lsm="))
    }

    @Test func aFolderIsAtFaultOnlyWhereTheCallIsThere() {
        let refusal = #expect(throws: Refusal.self) {
            _ = try ChosenFolder.path("/no/such/folder", what: "the workspace")
        }
        #expect(refusal?.remedy == "name an existing folder that you may enter" && refusal?.step == "")
    }

    /// PATH_MAX is 4,096 with the NUL: there is room for the name of the project's policy, or there is not.
    @Test(arguments: [(4075, true), (4076, false), (4090, false)])
    func aWorkspaceWithTooLongAPathIsToldSo(length: Int, isTaken: Bool) throws {
        let workspace = OSString("/" + String(repeating: "a/", count: 3000).prefix(length - 2) + "b")
        #expect(workspace.bytes.count == length)
        if isTaken {
            #expect(try ProjectFile.read(in: workspace)?.path == nil)
            return
        }
        let refusal = #expect(throws: Refusal.self) { _ = try ProjectFile.read(in: workspace) }
        #expect(
            refusal?.message.contains("the workspace has \(length) bytes") == true,
            "\(String(describing: refusal))"
        )
        #expect(refusal?.remedy.contains("4075 bytes at most") == true, "\(String(describing: refusal))")
    }
}
