public import SandboxPlan

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

    /// Judges the whole document and applies the defaults.
    ///
    /// - Throws: `PolicyError.invalid` with every problem there is.
    public func validated() throws(PolicyError) -> Policy {
        let log = ProblemLog(file: name)
        let policy = PolicyValidator(name: name, log: log).policy(SectionReader(path: "", members: members, log: log))
        try log.throwIfAny()
        return policy
    }
}
