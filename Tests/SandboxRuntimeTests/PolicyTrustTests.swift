import SandboxPlan
import Testing

@testable import SandboxRuntime

@Suite struct PolicyTrustTests {
    /// Uid, gid and mode of the file; nil where it is obeyed.
    private func refusal(_ uid: UInt32, _ gid: UInt32, _ mode: UInt32, as user: (uid: UInt32, gid: UInt32)) -> String? {
        do throws(Refusal) {
            try PolicyTrust.check(PolicyTrust.Status(uid: uid, gid: gid, mode: mode), as: user, "/p.toml")
            return nil
        } catch { return "\(error.message); \(error.remedy)" }
    }

    @Test func anOrdinaryUserObeysItselfAndRoot() {
        let user: (uid: UInt32, gid: UInt32) = (1000, 1000)
        #expect(refusal(1000, 1000, 0o600, as: user) == nil)
        #expect(refusal(0, 0, 0o644, as: user) == nil)
        #expect(refusal(1000, 1000, 0o664, as: user) == nil)
        #expect(refusal(1000, 50, 0o664, as: user)?.contains("chmod go-w") == true)
        #expect(refusal(1000, 1000, 0o666, as: user)?.contains("chmod go-w") == true)
        #expect(refusal(1001, 1000, 0o644, as: user)?.contains("uid 1001") == true)
    }

    @Test func rootObeysOnlyItself() {
        let root: (uid: UInt32, gid: UInt32) = (0, 0)
        #expect(refusal(0, 0, 0o644, as: root) == nil)
        #expect(refusal(0, 0, 0o664, as: root) == nil)
        #expect(refusal(1000, 0, 0o600, as: root)?.contains("root's own HOME") == true)
        #expect(refusal(0, 1000, 0o664, as: root)?.contains("chmod go-w") == true)
        #expect(refusal(0, 1000, 0o644, as: (0, 1000)) == nil)
        #expect(refusal(0, 1000, 0o664, as: (0, 1000)) != nil)
    }
}
