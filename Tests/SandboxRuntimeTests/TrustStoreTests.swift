import CShims
import Foundation
import Glibc
import SandboxPlan
import SandboxPolicy
import Testing

@testable import SandboxRuntime

/// The text of an approval's record: what was written is read, and nothing else.
@Suite struct TrustStoreTests {
    private static let approval = TrustStore.Approval(
        digest: (0..<32).map { $0 * 7 },
        path: OSString(Array("/w/a b\n\u{1B}/".utf8) + [0xFF] + Array("/.codex-sandbox.toml".utf8)),
        inode: 1_234_567,
        born: -5,
        policies: [(0..<32).map { $0 * 3 }, (0..<32).map { $0 + 9 }]
    )

    private func isRead(_ bytes: [UInt8]) -> Bool { TrustStore.parsed(bytes) != nil }

    @Test func whatIsWrittenIsRead() throws {
        let found = try #require(TrustStore.parsed(TrustStore.bytes(Self.approval)))
        #expect(found.digest == Self.approval.digest && found.path == Self.approval.path && found.inode == 1_234_567)
        #expect(found.born == -5 && found.policies == Self.approval.policies)
    }

    @Test func nothingShorterOrLongerIsRead() {
        let bytes = TrustStore.bytes(Self.approval)
        // Up to where a shorter path would be one, too: what it is then, its name and the launch say.
        let head = bytes.count - Self.approval.path.bytes.count
        for count in 0...head where isRead(Array(bytes.prefix(count))) { Issue.record("\(count) bytes were read") }
        #expect(!isRead(bytes + Array("/".utf8)) && !isRead([0x20] + bytes))
    }

    @Test(arguments: [
        "codex-sandbox trust 1\nsha256 H\ninode 1\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 2\nsha256 h\ninode 1\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 2\nsha256 H0\ninode 1\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 2\nsha256 H\ninode 01\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 2\nsha256 H\ninode -1\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 2\nsha256 H\ninode +1\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 2\nsha256 H\ninode \nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 2\nsha256 H\ninode 1\nborn 02\npolicy H\npath /w",
        "codex-sandbox trust 2\nsha256 H\ninode 1\nborn\npolicy H\npath /w",
        "codex-sandbox trust 2\nsha256 H\ninode 1\npolicy H\npath /w",
        "codex-sandbox trust 2\nsha256 H\ninode 1\nborn 2\npath /w",
        "codex-sandbox trust 2\nsha256 H\ninode 1\nborn 2\npolicy H0\npath /w",
        "codex-sandbox trust 2\nsha256 H\ninode 1\nborn 2\npolicy H\npath w",
        "codex-sandbox trust 2\nsha256 H\ninode 1\nborn 2\npolicy H\npath /w/../x",
        "codex-sandbox trust 2\nsha256 H\ninode 1\nborn 2\npolicy H\npath /w//x",
        "codex-sandbox trust 2\ninode 1\nsha256 H\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 2\r\nsha256 H\ninode 1\nborn 2\npolicy H\npath /w", "",
        "codex-sandbox trust 2\nsha256 H\ninode 99999999999999999999\nborn 2\npolicy H\npath /w",
    ]) func whatIsWrittenOtherwiseIsNoApproval(text: String) {
        let digest = String(repeating: "0a", count: 32)
        let words = text.split(separator: "H", omittingEmptySubsequences: false).joined(separator: digest)
        let upper = words.split(separator: "sha256 h").joined(separator: "sha256 " + digest.uppercased())
        #expect(!isRead(Array(upper.utf8)))
        let right = "codex-sandbox trust 2\nsha256 \(digest)\ninode 1\nborn 2\npolicy \(digest)\npath /w"
        #expect(isRead(Array(right.utf8)))
    }

    // MARK: - In a state folder

    private let file = PolicyFile(
        kind: .project,
        name: ".codex-sandbox.toml",
        path: "/w/.codex-sandbox.toml",
        digest: (0..<32).map { $0 }
    )

    private func store(_ scratch: ScratchFolder) -> TrustStore {
        TrustStore(stateFolder: OSString(scratch.path).appending("state"))
    }

    @Test func anApprovalHoldsOverThePolicyItWasShownOver() throws {
        let scratch = try ScratchFolder()
        let store = store(scratch)
        let policy = SampleLaunch.policy
        var other = policy
        other.limits.tasks += 1
        try store.approve(file, over: policy)
        #expect(store.trust(of: file, over: policy) == .trusted)
        #expect(store.trust(of: file, over: other) != .trusted)
        // What it is called gives nothing.
        var renamed = policy
        (renamed.name, renamed.summary) = ("x", "y")
        #expect(store.trust(of: file, over: renamed) == .trusted)
        // One beside the other, as long as the file is the same.
        try store.approve(file, over: other)
        #expect(store.trust(of: file, over: policy) == .trusted && store.trust(of: file, over: other) == .trusted)
        var changed = file
        changed.digest[0] ^= 1
        try store.approve(changed, over: other)
        #expect(store.trust(of: changed, over: other) == .trusted && store.trust(of: changed, over: policy) != .trusted)
        #expect(try store.revoke(file.path) && store.trust(of: changed, over: other) != .trusted)
    }

    /// A kept copy that gets the number of the one that was taken back: its time of birth is another.
    @Test(arguments: [Int64(0), -1, 1]) func aCopyWithTheSameNumberIsNoApproval(later: Int64) throws {
        let scratch = try ScratchFolder()
        let store = store(scratch)
        try store.approve(file, over: SampleLaunch.policy)
        let folder = scratch.path + "/state/trust"
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
        let kept = try #require(TrustStore.parsed(Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))))
        #expect(try store.revoke(file.path))
        // Written as the record would be, with the number and the time that this file has, or another.
        let place = OSString("\(folder)/\(name)")
        let number = place.withPointer { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        try #require(number >= 0)
        defer { _ = close(number) }
        var identity = cs_identity()
        try #require(cs_identify(number, "", &identity) == 0 && identity.born_ns != 0)
        var approval = kept
        (approval.inode, approval.born) = (identity.inode, identity.born_ns + later)
        let bytes = TrustStore.bytes(approval)
        try #require(bytes.withUnsafeBytes { write(number, $0.baseAddress, $0.count) } == bytes.count)
        // With both right it is one: there is no secret in it, and its folder is nobody else's.
        #expect((store.trust(of: file, over: SampleLaunch.policy) == .trusted) == (later == 0))
    }
}
