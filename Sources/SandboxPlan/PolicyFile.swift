/// A text that went into a policy: a file, or one that the executables carry.
public struct PolicyFile: Hashable, Sendable {
    public enum Kind: UInt8, Hashable, Sendable {
        case builtIn = 0
        /// The user's own, found by its name in the settings folder.
        case own = 1
        /// Named by a path.
        case file = 2
        /// `.codex-sandbox.toml` of the workspace.
        case project = 3
        /// The administrator's.
        case ceiling = 4
    }

    public var kind: Kind
    /// What it is asked for by: a name, or the path as somebody wrote it.
    public var name: String
    /// Real path; empty for a built-in one.
    public var path: OSString
    /// SHA-256 of the text.
    public var digest: [UInt8]
    /// Of a project's file in a launch: whether just these bytes were approved.
    ///
    /// Nothing that is compiled or cached says so.
    public var isTrusted = false

    public init(kind: Kind, name: String, path: OSString, digest: [UInt8]) {
        self.kind = kind
        self.name = name
        self.path = path
        self.digest = digest
    }

    /// For a person: `built-in strict`, or the path.
    public var description: String { kind == .builtIn ? "built-in \(OSString(name))" : path.description }
}

/// Where a text says a key.
public struct PolicyOrigin: Hashable, Sendable {
    public var key: PolicyKey
    /// Position in the list of files (`CompiledPolicy.files`).
    public var file: UInt8
    /// Line, from 1.
    public var line: UInt32

    public init(key: PolicyKey, file: UInt8, line: UInt32) {
        self.key = key
        self.file = file
        self.line = line
    }
}

/// What one text says, apart from whatever it is put over.
public struct PolicyStatement: Hashable, Sendable {
    /// Of the keys that are said; what is in the others means nothing.
    public var values: Policy
    /// Each key that is said, once.
    public var said: [PolicyOrigin]

    public init(values: Policy, said: [PolicyOrigin]) {
        self.values = values
        self.said = said
    }

    public func says(_ key: PolicyKey) -> Bool { said.contains { $0.key == key } }
}
