import CShims
import Foundation
import Testing

@testable import SandboxRuntime

@Suite struct SHA256Tests {
    /// FIPS 180-4 examples and the empty text.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
    ]) func knownDigests(text: String, digest: String) {
        #expect(Hexadecimal.text(SHA256.digest(Array(text.utf8))) == digest)
        #expect(Hexadecimal.text(portable(Array(text.utf8))) == digest)
    }

    @Test func aMillionTimesA() {
        let digest = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        let text = [UInt8](repeating: 0x61, count: 1_000_000)
        #expect(Hexadecimal.text(SHA256.digest(text)) == digest)
        #expect(Hexadecimal.text(portable(text)) == digest)
    }

    /// Every length over three blocks, and some long ones, as another implementation hashes them.
    @Test func agreesWithPython() throws {
        let lengths = Array(0...200) + [255, 256, 1000, 4095, 4096, 65_537]
        var random = SplitMix64(seed: 1)
        let bytes = (0..<65_537).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let script = """
            import hashlib, sys
            data = sys.stdin.buffer.read()
            for length in sys.argv[1:]:
                print(hashlib.sha256(data[:int(length)]).hexdigest())
            """
        let run = try Program.run(
            "/usr/bin/env",
            ["python3", "-c", script] + lengths.map { String($0) },
            input: bytes
        )
        #expect(run.status == 0, "\(run.error)")
        let digests = run.output.split(separator: "\n").map { String($0) }
        #expect(digests == lengths.map { Hexadecimal.text(SHA256.digest(Array(bytes[..<$0]))) })
        #expect(digests == lengths.map { Hexadecimal.text(portable(Array(bytes[..<$0]))) })
    }

    @Test func piecesOfAnySizeGiveTheSameDigest() {
        var random = SplitMix64(seed: 2)
        for _ in 0..<200 {
            let bytes = (0..<Int(random.next() % 700)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            var hash = SHA256()
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int(random.next() % 130))
                hash.update(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            #expect(hash.digest() == SHA256.digest(bytes))
        }
    }

    @Test func digestDoesNotEndTheHash() {
        var hash = SHA256()
        hash.update(Array("a".utf8))
        _ = hash.digest()
        hash.update(Array("bc".utf8))
        #expect(hash.digest() == SHA256.digest(Array("abc".utf8)))
    }

    private func portable(_ bytes: [UInt8]) -> [UInt8] {
        var hash = cs_sha256()
        cs_sha256_init_portable(&hash)
        var digest = [UInt8](repeating: 0, count: 32)
        bytes.withUnsafeBytes { cs_sha256_update(&hash, $0.baseAddress, $0.count) }
        cs_sha256_final(&hash, &digest)
        return digest
    }
}

/// Random numbers that are the same each time, so that a failure can be repeated.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
