import Fuzzing
import SandboxPlan
import Testing

@testable import SandboxPolicy

/// An entry of the cache, with a right checksum over whatever somebody put there.
@Suite struct CompiledPolicyFuzzTests {
    @Test func anEntryThatIsTakenIsWrittenTheSame() {
        let seeds = [
            CompiledPolicyCodingTests.encoded(CompiledPolicyCodingTests.full), CompiledPolicyCodingTests.encoded(),
        ]
        var fuzzing = Fuzzing(seeds, words: ["\u{0}\u{0}\u{0}\u{0}", "/", "/..", "//"])
        let tally = fuzzing.run(atLeast: 1000) { bytes in
            let sealed = CompiledPolicyCodingTests.resealed(bytes)
            guard case .success(let policy) = CompiledPolicyCodingTests.decode(sealed) else { return false }
            #expect(CompiledPolicyCodingTests.encoded(policy) == sealed)
            return true
        }
        #expect(tally.taken > 20 && tally.refused > 20, "\(tally)")
    }
}
