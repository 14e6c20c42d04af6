/// A policy as the launch path reads it: values and filter words, no text to parse.
///
/// Made by `PolicyCompiler`, kept in the cache as one flat checked file (`CompiledPolicyCoding`).
public struct CompiledPolicy: Hashable, Sendable {
    public var policy: Policy
    /// SHA-256 of the policy's text.
    public var digest: [UInt8]
    /// Installed by pid 1 on itself, inherited by every process of the place.
    public var placeFilter: SeccompProgram
    /// Installed last, by each process.
    public var processFilter: SeccompProgram

    public init(policy: Policy, digest: [UInt8], placeFilter: SeccompProgram, processFilter: SeccompProgram) {
        self.policy = policy
        self.digest = digest
        self.placeFilter = placeFilter
        self.processFilter = processFilter
    }
}

/// A classic BPF program for seccomp(2).
public struct SeccompProgram: Hashable, Sendable {
    /// `struct sock_filter` as one word each: code in bits 0…15, jt 16…23, jf 24…31, k 32…63 (little endian layout).
    public var instructions: [UInt64]

    public init(instructions: [UInt64]) {
        self.instructions = instructions
    }
}
