public import SandboxPlan
public import SandboxPolicy

/// Why what a text extends cannot be had.
public struct BaseProblem: Error, Hashable, Sendable {
    public var why: String
    public var remedy: String

    public init(why: String, remedy: String) {
        self.why = why
        self.remedy = remedy
    }
}

/// Makes everything of a policy's texts that a launch reads.
///
/// - Parameters:
///   - inputs: The named policy, and the project's and the administrator's file.
///   - base: Finds what a text extends: what it says there, and which text says it.
///   - sha256: SHA-256 of bytes, 32 bytes.
/// - Returns: The validated policy with both filters.
/// - Throws: `PolicyError` with every problem of the first text that has one, or why libseccomp made no filter.
public func compilePolicy(
    _ inputs: PolicyInputs,
    base: (String, PolicyFile) throws(BaseProblem) -> PolicyInputs.Text,
    sha256: (UnsafeRawBufferPointer) -> [UInt8]
) throws(PolicyError) -> CompiledPolicy {
    let chain = try PolicyChain(inputs.named, base: base)
    var files = chain.files
    var policy = PolicyDefaults.policy(named: inputs.named.file.name)
    var origins: [PolicyOrigin] = []
    // From the one that extends nothing to the named one.
    for (index, document) in chain.documents.enumerated().reversed() {
        policy.summary = ""
        let statement = try document.statement(over: policy, file: UInt8(index), home: inputs.home)
        policy = policy.saying(statement)
        if policy.confinement == .none, index > 0, let extended = try chain.documents[index - 1].base() {
            throw PolicyChain.problem(
                chain.documents[index - 1],
                extended,
                why: "a policy without confinement leaves nothing to build on",
                remedy: "extend another one"
            )
        }
        if let key = policy.confinement.weakerKey, index > 0, let extended = try chain.documents[index - 1].base(),
            !chain.documents[index - 1].asks(for: key)
        {
            throw PolicyChain.problem(
                chain.documents[index - 1],
                extended,
                why: "it is the weaker profile \(policy.confinement.word), which nobody gets without saying so",
                remedy: "write [danger] \(PolicyDocument.name(of: key)) = true here too, or extend another one"
            )
        }
        for origin in statement.said {
            if !origin.key.grows { origins.removeAll { $0.key == origin.key } }
            origins.append(origin)
        }
    }
    var without = policy.seccomp.without
    func further(_ text: PolicyInputs.Text?) throws(PolicyError) -> PolicyStatement? {
        guard let text else { return nil }
        // A bound is judged by itself: whether it is valid does not depend on the policy that somebody chose.
        let under = text.file.kind == .ceiling ? PolicyDefaults.policy(named: policy.name) : policy
        let statement = try FurtherText(text).statement(over: under, file: UInt8(files.count), home: inputs.home)
        files.append(text.file)
        if statement.says(.without) { without += statement.values.seccomp.without }
        return statement
    }
    let project = try further(inputs.project)
    let ceiling = try further(inputs.ceiling)
    do {
        return CompiledPolicy(
            policy: policy,
            digest: inputs.named.file.digest,
            placeFilter: try SeccompFilters.place(),
            processFilter: try SeccompFilters.process(SeccompPolicy(without: Set(without).sorted())),
            files: files,
            origins: origins,
            project: project,
            ceiling: ceiling,
            inputs: inputs.identity.withUnsafeBytes(sha256)
        )
    } catch {
        throw .filter(error)
    }
}

/// The project's or the administrator's text: it is put over whatever policy was chosen, so it extends none.
private struct FurtherText {
    private let document: PolicyDocument
    private let kind: PolicyFile.Kind

    init(_ text: PolicyInputs.Text) throws(PolicyError) {
        document = try PolicyDocument(text)
        kind = text.file.kind
    }

    func statement(over policy: Policy, file: UInt8, home: OSString) throws(PolicyError) -> PolicyStatement {
        if let base = try document.base() {
            throw problem(
                base.position,
                "extends",
                why: "it is put over the policy that was chosen, whichever that is",
                remedy: "remove it; write the keys themselves"
            )
        }
        let statement = try document.statement(
            over: policy,
            file: file,
            home: home,
            isBound: kind == .ceiling,
            isFurther: true
        )
        if kind == .project, let key = statement.values.confinement.weakerKey,
            let origin = statement.said.first(where: { $0.key == key })
        {
            throw problem(
                SourcePosition(line: origin.line, column: 1),
                key.path,
                why: "no project can ask for that, trusted or not",
                remedy: "remove it; `--policy \(statement.values.confinement.word)` is for whoever types it"
            )
        }
        guard kind == .project, statement.says(.fullAccess), statement.values.confinement == .none,
            let origin = statement.said.first(where: { $0.key == .fullAccess })
        else { return statement }
        throw problem(
            SourcePosition(line: origin.line, column: 1),
            PolicyKey.fullAccess.path,
            why: "no project can ask for that",
            remedy: "remove it; `--danger-full-access` is for whoever types it"
        )
    }

    private func problem(_ position: SourcePosition, _ key: String, why: String, remedy: String) -> PolicyError {
        .invalid([
            PolicyProblem(
                file: document.name,
                position: position,
                key: key,
                what: "given here",
                why: why,
                remedy: remedy
            )
        ])
    }
}

extension PolicyDocument {
    init(_ text: PolicyInputs.Text) throws(PolicyError) {
        let name = text.file.path.isEmpty ? text.file.name : text.file.path.description
        guard let utf8 = OSString(text.text).utf8 else {
            throw .invalid([
                PolicyProblem(
                    file: name,
                    position: SourcePosition(line: 1, column: 1),
                    key: "",
                    what: "bytes that are not UTF-8",
                    why: "TOML has to be",
                    remedy: "save it as UTF-8"
                )
            ])
        }
        try self.init(name: name, text: utf8)
    }
}
