import SandboxPlan
import Testing

@testable import SandboxRuntime

/// The text of an approval's record: what was written is read, and nothing else.
@Suite struct TrustStoreTests {
    private static let approval = TrustStore.Approval(
        digest: (0..<32).map { $0 * 7 },
        path: OSString(Array("/w/a b\n\u{1B}/".utf8) + [0xFF] + Array("/.codex-sandbox.toml".utf8)),
        inode: 1_234_567
    )

    private func isRead(_ bytes: [UInt8]) -> Bool { TrustStore.parsed(bytes) != nil }

    @Test func whatIsWrittenIsRead() throws {
        let found = try #require(TrustStore.parsed(TrustStore.bytes(Self.approval)))
        #expect(found.digest == Self.approval.digest && found.path == Self.approval.path && found.inode == 1_234_567)
    }

    @Test func nothingShorterOrLongerIsRead() {
        let bytes = TrustStore.bytes(Self.approval)
        // Up to where a shorter path would be one, too: what it is then, its name and the launch say.
        let head = bytes.count - Self.approval.path.bytes.count
        for count in 0...head where isRead(Array(bytes.prefix(count))) { Issue.record("\(count) bytes were read") }
        #expect(!isRead(bytes + Array("/".utf8)) && !isRead([0x20] + bytes))
    }

    @Test(arguments: [
        "codex-sandbox trust 2\nsha256 H\ninode 1\npath /w", "codex-sandbox trust 1\nsha256 h\ninode 1\npath /w",
        "codex-sandbox trust 1\nsha256 H0\ninode 1\npath /w", "codex-sandbox trust 1\nsha256 H\ninode 01\npath /w",
        "codex-sandbox trust 1\nsha256 H\ninode -1\npath /w", "codex-sandbox trust 1\nsha256 H\ninode +1\npath /w",
        "codex-sandbox trust 1\nsha256 H\ninode \npath /w", "codex-sandbox trust 1\nsha256 H\ninode 1\npath w",
        "codex-sandbox trust 1\nsha256 H\ninode 1\npath /w/../x",
        "codex-sandbox trust 1\nsha256 H\ninode 1\npath /w//x",
        "codex-sandbox trust 1\ninode 1\nsha256 H\npath /w", "codex-sandbox trust 1\r\nsha256 H\ninode 1\npath /w", "",
        "codex-sandbox trust 1\nsha256 H\ninode 99999999999999999999\npath /w",
    ]) func whatIsWrittenOtherwiseIsNoApproval(text: String) {
        let digest = String(repeating: "0a", count: 32)
        let words = text.split(separator: "H", omittingEmptySubsequences: false).joined(separator: digest)
        let upper = words.split(separator: "sha256 h").joined(separator: "sha256 " + digest.uppercased())
        #expect(!isRead(Array(upper.utf8)))
        let right = "codex-sandbox trust 1\nsha256 \(digest)\ninode 1\npath /w"
        #expect(isRead(Array(right.utf8)))
    }
}
