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
        "codex-sandbox trust 2\nsha256 H\ninode 1\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 1\nsha256 H\ninode 1\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 3\nsha256 h\ninode 1\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 3\nsha256 H0\ninode 1\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 3\nsha256 H\ninode 01\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 3\nsha256 H\ninode -1\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 3\nsha256 H\ninode +1\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 3\nsha256 H\ninode \nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 3\nsha256 H\ninode 1\nborn 02\npolicy H\npath /w",
        "codex-sandbox trust 3\nsha256 H\ninode 1\nborn\npolicy H\npath /w",
        "codex-sandbox trust 3\nsha256 H\ninode 1\npolicy H\npath /w",
        "codex-sandbox trust 3\nsha256 H\ninode 1\nborn 2\npath /w",
        "codex-sandbox trust 3\nsha256 H\ninode 1\nborn 2\npolicy H0\npath /w",
        "codex-sandbox trust 3\nsha256 H\ninode 1\nborn 2\npolicy H\npath w",
        "codex-sandbox trust 3\nsha256 H\ninode 1\nborn 2\npolicy H\npath /w/../x",
        "codex-sandbox trust 3\nsha256 H\ninode 1\nborn 2\npolicy H\npath /w//x",
        "codex-sandbox trust 3\ninode 1\nsha256 H\nborn 2\npolicy H\npath /w",
        "codex-sandbox trust 3\r\nsha256 H\ninode 1\nborn 2\npolicy H\npath /w", "",
        "codex-sandbox trust 3\nsha256 H\ninode 99999999999999999999\nborn 2\npolicy H\npath /w",
    ]) func whatIsWrittenOtherwiseIsNoApproval(text: String) {
        let digest = String(repeating: "0a", count: 32)
        let words = text.split(separator: "H", omittingEmptySubsequences: false).joined(separator: digest)
        let upper = words.split(separator: "sha256 h").joined(separator: "sha256 " + digest.uppercased())
        #expect(!isRead(Array(upper.utf8)))
        let right = "codex-sandbox trust 3\nsha256 \(digest)\ninode 1\nborn 2\npolicy \(digest)\npath /w"
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
        try store.approve(file, over: policy, under: nil)
        #expect(store.trust(of: file, over: policy, under: nil) == .trusted)
        #expect(store.trust(of: file, over: other, under: nil) != .trusted)
        // What it is called gives nothing.
        var renamed = policy
        (renamed.name, renamed.summary) = ("x", "y")
        #expect(store.trust(of: file, over: renamed, under: nil) == .trusted)
        // One beside the other, as long as the file is the same.
        try store.approve(file, over: other, under: nil)
        #expect(
            store.trust(of: file, over: policy, under: nil) == .trusted
                && store.trust(of: file, over: other, under: nil) == .trusted
        )
        var changed = file
        changed.digest[0] ^= 1
        try store.approve(changed, over: other, under: nil)
        #expect(
            store.trust(of: changed, over: other, under: nil) == .trusted
                && store.trust(of: changed, over: policy, under: nil) != .trusted
        )
        #expect(try store.revoke(file.path) && store.trust(of: changed, over: other, under: nil) != .trusted)
    }

    /// What is shown under a bound is less than what would hold without: each of them is approved by itself.
    @Test func anApprovalHoldsUnderTheBoundItWasShownUnder() throws {
        let scratch = try ScratchFolder()
        let store = store(scratch)
        let policy = SampleLaunch.policy
        let bound = PolicyStatement(values: policy, said: [PolicyOrigin(key: .tasks, file: 0, line: 3)])
        var (wider, further, moved) = (bound, bound, bound)
        wider.values.limits.tasks += 1
        further.said.append(PolicyOrigin(key: .openFiles, file: 0, line: 4))
        moved.said[0].line = 9
        try store.approve(file, over: policy, under: bound)
        #expect(store.trust(of: file, over: policy, under: bound) == .trusted)
        // Where it stands there, or in which file, gives nothing.
        #expect(store.trust(of: file, over: policy, under: moved) == .trusted)
        for other in [nil, wider, further] {
            guard case .untrusted(let why) = store.trust(of: file, over: policy, under: other) else {
                Issue.record("it is trusted under \(String(describing: other?.said))")
                continue
            }
            #expect(why.contains("bound of the administrator's"))
        }
        // And the other way round: what was approved without one is not what is left with one.
        #expect(try store.revoke(file.path))
        try store.approve(file, over: policy, under: nil)
        #expect(store.trust(of: file, over: policy, under: bound) != .trusted)
        #expect(store.trust(of: file, over: policy, under: nil) == .trusted)
    }

    /// Of a version that did not note the bound nobody knows what was shown.
    @Test func anEarlierVersionsApprovalIsNone() throws {
        let scratch = try ScratchFolder()
        let store = store(scratch)
        try store.approve(file, over: SampleLaunch.policy, under: nil)
        let folder = scratch.path + "/state/trust"
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
        let number = open("\(folder)/\(name)", O_WRONLY | O_CLOEXEC)
        try #require(number >= 0)
        defer { _ = close(number) }
        // In place, so that inode and time of birth stay right.
        let digit = "codex-sandbox trust ".utf8.count
        try #require(pwrite(number, "2", 1, digit) == 1)
        guard case .untrusted(let why) = store.trust(of: file, over: SampleLaunch.policy, under: nil) else {
            Issue.record("it is trusted")
            return
        }
        #expect(why.contains("trust the file again"))
        #expect(try store.all().first?.why.contains("earlier version") == true)
        try store.approve(file, over: SampleLaunch.policy, under: nil)
        #expect(store.trust(of: file, over: SampleLaunch.policy, under: nil) == .trusted)
    }

    /// A kept copy that gets the number of the one that was taken back: its time of birth is another.
    @Test(arguments: [Int64(0), -1, 1]) func aCopyWithTheSameNumberIsNoApproval(later: Int64) throws {
        let scratch = try ScratchFolder()
        let store = store(scratch)
        try store.approve(file, over: SampleLaunch.policy, under: nil)
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
        #expect((store.trust(of: file, over: SampleLaunch.policy, under: nil) == .trusted) == (later == 0))
    }
}
