import SandboxPlan
import SandboxPolicy
import Testing

@testable import PolicyCompiler

/// A compiled policy lives on in caches, with everything that its text leaves unsaid.
@Suite struct CompiledDefaultsTests {
    /// Of everything that a policy without a word says: fields and defaults.
    private static let known = "7:9e7537697e009f1f"

    /// Fails when a default changes: then raise `CompiledPolicyCoding.formatVersion`, and write the new number here.
    @Test func aDefaultThatChangesRaisesTheVersion() throws {
        var compiled = try compiled("defaults", "version = 1\n")
        // The library's releases may lay out the same decisions differently.
        compiled.placeFilter = SeccompProgram(instructions: [])
        compiled.processFilter = SeccompProgram(instructions: [])
        let bytes = CompiledPolicyCoding.encode(compiled, toolVersion: "0") { _ in [UInt8](repeating: 0, count: 32) }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        #expect("\(CompiledPolicyCoding.formatVersion):" + String(hash, radix: 16) == Self.known)
    }
}
