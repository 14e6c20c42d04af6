internal import WebTransport

/// A list of entity tags in a condition (RFC 9110, 13.1): `*`, or tags with their quotes.
struct EntityTags: Hashable {
    var isAny: Bool
    /// As sent, `W/` included.
    var tags: [String]

    /// Nil where the request has no such field.
    init?(_ headers: HTTPHeaders, _ field: String) {
        let values = headers.all(field)
        guard !values.isEmpty else { return nil }
        tags = values.flatMap { FieldText.list($0) }
        isAny = tags == ["*"]
    }

    /// Weak comparison (RFC 9110, 8.8.3.2).
    func matchesWeakly(_ tag: String) -> Bool {
        isAny || tags.contains { EntityTags.strong($0) == EntityTags.strong(tag) }
    }

    /// Strong comparison, which no weak tag passes.
    func matchesStrongly(_ tag: String) -> Bool { isAny || tags.contains(tag) }

    private static func strong(_ tag: String) -> Substring { tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...] }
}

/// What must be so for a file to be written or removed (RFC 9110, 13.1).
public indirect enum FileCondition: Hashable, Sendable {
    case none
    /// `If-Match: *`
    case exists
    /// `If-Match`: one of these tags, with their quotes; a weak one never matches.
    case matches([String])
    /// `If-None-Match: *`
    case isAbsent
    /// `If-None-Match`: none of these tags.
    case matchesNone([String])
    /// `If-Unmodified-Since`, without `If-Match`; in seconds since 1970-01-01T00:00:00Z.
    case unmodifiedSince(Int64)
    /// Both fields were sent (RFC 9110, 13.2.2).
    case both(FileCondition, FileCondition)

    init(_ headers: HTTPHeaders) {
        let tags: FileCondition? = EntityTags(headers, "If-Match").map { $0.isAny ? .exists : .matches($0.tags) }
        let first = tags ?? HTTPDate(headers.all("If-Unmodified-Since")).map { .unmodifiedSince($0.seconds) }
        let second: FileCondition? = EntityTags(headers, "If-None-Match").map {
            $0.isAny ? .isAbsent : .matchesNone($0.tags)
        }
        if let first, let second {
            self = .both(first, second)
        } else {
            self = first ?? second ?? .none
        }
    }
}
