/// What must be so for a file to be written or removed (RFC 9110, 13.1).
public indirect enum WritePrecondition: Hashable, Sendable {
    case none
    /// `If-Match: *`
    case exists
    /// `If-Match`: one of these tags, with their quotes; a weak one never matches.
    case matches([String])
    /// `If-None-Match: *`
    case isAbsent
    /// `If-None-Match`: none of these tags.
    case matchesNone([String])
    /// `If-Unmodified-Since`, in seconds since 1970-01-01T00:00:00Z.
    case unmodifiedSince(Int64)
    case both(WritePrecondition, WritePrecondition)

    /// Whether it is so with a file; nil where there is none.
    func holds(_ facts: FileFacts?) -> Bool {
        switch self {
        case .none: true
        case .exists: facts != nil
        case .matches(let tags): facts.map { tags.contains($0.tag) } ?? false
        case .isAbsent: facts == nil
        // Where there is none there is no date, and the condition is passed over (13.1.4).
        case .unmodifiedSince(let date): facts.map { $0.lastModified_s <= date } ?? true
        case .both(let first, let second): first.holds(facts) && second.holds(facts)
        case .matchesNone(let tags):
            // If-None-Match compares weakly (RFC 9110, 8.8.3.2).
            facts.map { facts in !tags.contains { $0 == facts.tag || $0 == "W/" + facts.tag } } ?? true
        }
    }
}

/// What became of a write.
public enum WriteOutcome: Hashable, Sendable {
    /// There was no such file before; the new one's tag.
    case created(tag: String)
    case replaced(tag: String)
    /// Nothing was changed.
    case preconditionFailed
}

/// What became of a removal.
public enum RemoveOutcome: Hashable, Sendable {
    case removed
    /// Nothing was changed.
    case preconditionFailed
}
