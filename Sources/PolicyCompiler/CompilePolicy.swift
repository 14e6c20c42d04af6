public import SandboxPlan

/// Makes everything of a policy's text that a launch reads.
///
/// - Parameters:
///   - name: The name or path it was asked for by; problems are reported under it.
///   - text: The TOML text.
///   - sha256: SHA-256 of bytes, 32 bytes.
/// - Returns: The validated policy with both filters.
/// - Throws: `PolicyError` with every problem of the text, or why libseccomp made no filter.
public func compilePolicy(
    name: String,
    text: String,
    sha256: (UnsafeRawBufferPointer) -> [UInt8]
) throws(PolicyError) -> CompiledPolicy {
    let policy = try PolicyDocument(name: name, text: text).validated()
    do {
        return CompiledPolicy(
            policy: policy,
            digest: Array(text.utf8).withUnsafeBytes(sha256),
            placeFilter: try SeccompFilters.place(),
            processFilter: try SeccompFilters.process(policy.seccomp)
        )
    } catch {
        throw .filter(error)
    }
}
