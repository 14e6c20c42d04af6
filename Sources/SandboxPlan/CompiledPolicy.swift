/// A policy as the launch path reads it: values and filter words, no text to parse.
///
/// Made by `PolicyCompiler`, kept in the cache as one flat checked file (`CompiledPolicyCoding`).
public struct CompiledPolicy: Hashable, Sendable {
    /// The named policy with everything that it extends; project and ceiling apart, since flags come between.
    public var policy: Policy
    /// SHA-256 of the named policy's own text.
    public var digest: [UInt8]
    /// Installed by pid 1 on itself, inherited by every process of the place.
    public var placeFilter: SeccompProgram
    /// Installed last, by each process; leaves out what any of the texts leaves out.
    public var processFilter: SeccompProgram
    /// Every text that went in: the named policy, what it extends (the nearest first), the project's, the ceiling.
    public var files: [PolicyFile]
    /// Where the values of `policy` are said; a key that is in none of the texts has none, and its default.
    public var origins: [PolicyOrigin]
    /// What the project's file says; nil without one.
    public var project: PolicyStatement?
    /// What the administrator's file says; nil without one.
    public var ceiling: PolicyStatement?
    /// SHA-256 over all that was given to the compiler: what an entry of the cache goes by.
    public var inputs: [UInt8]

    public init(
        policy: Policy,
        digest: [UInt8],
        placeFilter: SeccompProgram,
        processFilter: SeccompProgram,
        files: [PolicyFile] = [],
        origins: [PolicyOrigin] = [],
        project: PolicyStatement? = nil,
        ceiling: PolicyStatement? = nil,
        inputs: [UInt8] = [UInt8](repeating: 0, count: 32)
    ) {
        self.policy = policy
        self.digest = digest
        self.placeFilter = placeFilter
        self.processFilter = processFilter
        self.files = files
        self.origins = origins
        self.project = project
        self.ceiling = ceiling
        self.inputs = inputs
    }
}
