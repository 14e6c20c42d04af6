public import SandboxPlan
import SandboxPolicy

/// A policy's text, read as TOML and not yet judged.
public struct PolicyDocument: Hashable, Sendable {
    /// The name or path it was asked for by.
    public let name: String
    let members: [TOMLMember]

    /// Reads the text.
    ///
    /// - Throws: `PolicyError.invalid` with the first place that is not TOML; duplicate keys are such places.
    public init(name: String, text: String) throws(PolicyError) {
        self.name = name
        do {
            members = try parseTOML(text)
        } catch {
            throw .invalid([
                PolicyProblem(
                    file: name,
                    position: error.position,
                    key: "",
                    what: error.message,
                    why: "the text is not the TOML it has to be",
                    remedy: "mend this place; what follows it was not read"
                )
            ])
        }
    }

    /// What stands at `extends`, with its place; nil without one.
    ///
    /// - Throws: `PolicyError.invalid` when it is no text.
    func base() throws(PolicyError) -> (text: String, position: SourcePosition)? {
        let log = ProblemLog(file: name)
        var reader = SectionReader(path: "", members: members, log: log)
        let base = reader.string("extends")
        try log.throwIfAny()
        return base.map { ($0.value, $0.position) }
    }

    /// Whether it says `true` itself at a key of `[danger]`, right or wrong in every other respect.
    func asks(for key: PolicyKey) -> Bool {
        guard case .table(let danger) = members.first(where: { $0.key == "danger" })?.node.value else { return false }
        return danger.first { $0.key == PolicyDocument.name(of: key) }?.node.value == .boolean(true)
    }

    /// Whether it says `false` at a key of `[danger]` by which a bound permits another confinement: as if it said nothing.
    private func denies(_ key: PolicyKey) -> Bool {
        let permissions: [PolicyKey] = [.fullAccess, .landlockOnly, .container]
        guard permissions.contains(key),
            case .table(let danger) = members.first(where: { $0.key == "danger" })?.node.value
        else { return false }
        return danger.first { $0.key == PolicyDocument.name(of: key) }?.node.value == .boolean(false)
    }

    /// A key without its section.
    static func name(of key: PolicyKey) -> String {
        String(decoding: key.path.utf8.drop { $0 != UInt8(ascii: ".") }.dropFirst(), as: UTF8.self)
    }

    /// Judges the whole document.
    ///
    /// - Parameters:
    ///   - base: what it is put over.
    ///   - file: its number in the list of files, for the origins.
    ///   - home: what `~` means where it may stand; empty when nobody knows.
    ///   - isBound: whether it is the administrator's, which permits confinements and bounds everything else.
    ///   - isFurther: whether it is put over whatever policy was chosen: its numbers are compared with each other only.
    /// - Returns: what it says, and nothing of the base.
    /// - Throws: `PolicyError.invalid` with every problem there is.
    func statement(
        over base: Policy,
        file: UInt8,
        home: OSString = "",
        isBound: Bool = false,
        isFurther: Bool = false
    ) throws(PolicyError) -> PolicyStatement {
        let log = ProblemLog(file: name)
        let validator = PolicyValidator(name: name, log: log, base: base, home: home, isBound: isBound)
        let values = validator.values(SectionReader(path: "", members: members, log: log))
        var said: [PolicyOrigin] = []
        for key in PolicyKey.allCases {
            guard let position = log.keys[key.path], !isBound || !denies(key) else { continue }
            said.append(PolicyOrigin(key: key, file: file, line: position.line))
        }
        let statement = PolicyStatement(values: values, said: said)
        refuseTooLong(isBound ? base.bounded(by: statement) : base.saying(statement), log)
        refuseHigh(statement, over: base, isFurther: isFurther, log)
        try log.throwIfAny()
        return statement
    }

    /// Judges the whole document over the defaults.
    ///
    /// - Throws: `PolicyError.invalid` with every problem there is.
    public func validated() throws(PolicyError) -> Policy {
        let defaults = PolicyDefaults.policy(named: name)
        return defaults.saying(try statement(over: defaults, file: 0))
    }

    /// A list may be within its bounds in each text, and too long with those of what the text is put over.
    private func refuseTooLong(_ policy: Policy, _ log: ProblemLog) {
        let most = PolicyRange.joinedLength.upperBound
        let lists: [(key: PolicyKey, count: Int, most: Int)] = [
            (.deny, policy.filesystem.deny.count, most), (.denyGlobs, policy.filesystem.denyGlobs.count, most),
            (.protect, policy.filesystem.protect.count, most),
            (.exclude, policy.environment.exclude.count, most),
            (.set, policy.environment.set.count, PolicyRange.listLength.upperBound),
        ]
        for list in lists where list.count > list.most {
            guard let position = log.keys[list.key.path] else { continue }
            log.report(
                at: position,
                key: list.key.path,
                what: "\(list.count) entries with those of what it is put over",
                why: "there can be at most \(list.most)",
                remedy: "shorten the list"
            )
        }
    }

    /// `limits.memory_high` slows a job down before it meets `limits.memory`; above that it would mean nothing.
    private func refuseHigh(_ statement: PolicyStatement, over base: Policy, isFurther: Bool, _ log: ProblemLog) {
        let isSaid = (memory: statement.says(.memory), high: statement.says(.memoryHigh))
        guard isFurther ? isSaid.memory && isSaid.high : isSaid.memory || isSaid.high else { return }
        let limits = base.saying(statement).limits
        let most: ByteCount
        let rule: String
        switch limits.memory {
        case .exactly(let amount): (most, rule) = (amount, "is \(amount)")
        case .upToHalfOfRAM(let amount): (most, rule) = (amount, "is \(amount) at most where no text says it")
        }
        if limits.memoryHigh <= most { return }
        let key = isSaid.high ? PolicyKey.memoryHigh : .memory
        guard let position = log.keys[key.path] else { return }
        log.report(
            at: position,
            key: key.path,
            what: isSaid.high ? "\(limits.memoryHigh)" : "\(most)",
            why: isSaid.high
                ? "it must not exceed limits.memory, which \(rule)"
                : "limits.memory_high, which must not exceed it, is \(limits.memoryHigh) in what this extends",
            remedy: isSaid.high ? "write a smaller size, or raise limits.memory" : "lower limits.memory_high here, too"
        )
    }
}
