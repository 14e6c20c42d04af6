/// The members of a JSON object, each key once, in the order of RFC 8785.
///
/// The order is that of the keys' UTF-16 code units (RFC 8785, 3.2.3). It is made here, once, so that writing is a
/// plain walk; members that are given in order already cost one comparison each.
public struct JSONObject: Hashable, Sendable {
    public private(set) var members: [Member]

    public struct Member: Hashable, Sendable {
        public var key: String
        public var value: JSONValue

        public static func == (left: Member, right: Member) -> Bool {
            left.key.utf8.elementsEqual(right.key.utf8) && left.value == right.value
        }
    }

    public init() {
        members = []
    }

    /// An object of our own making: a key that comes twice is a mistake in this program.
    public init(_ pairs: [(String, JSONValue)]) {
        members = pairs.map { Member(key: $0.0, value: $0.1) }
        precondition(sort() == nil, "a key comes twice in a JSON object")
    }

    /// An object that was read; nil if a key comes twice.
    init?(read members: [Member]) {
        self.members = members
        if sort() != nil { return nil }
    }

    /// An object of a request: of a key that comes more than once the last value holds.
    init(lastOf members: [Member]) {
        self.members = members
        guard sort() != nil else { return }
        // Sorting keeps no order among equals, so the last of each is found before.
        var ordered = members.enumerated().sorted { left, right in
            let order = JSONObject.order(left.element.key, right.element.key)
            return order == 0 ? left.offset > right.offset : order < 0
        }.map(\.element)
        var kept = 0
        for member in ordered where kept == 0 || JSONObject.order(ordered[kept - 1].key, member.key) != 0 {
            ordered[kept] = member
            kept += 1
        }
        ordered.removeSubrange(kept...)
        self.members = ordered
    }

    public subscript(key: String) -> JSONValue? {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            switch JSONObject.order(members[middle].key, key) {
            case 0: return members[middle].value
            case ..<0: low = middle + 1
            default: high = middle
            }
        }
        return nil
    }

    /// Adds a member under a key that is not there yet.
    public mutating func add(_ key: String, _ value: JSONValue) {
        members.append(Member(key: key, value: value))
        precondition(sort() == nil, "a key comes twice in a JSON object")
    }

    /// Adds the member if there is a value: an absent fact has no member, rather than a null that could mean anything.
    public mutating func add(_ key: String, ifPresent value: JSONValue?) {
        if let value { add(key, value) }
    }

    /// Puts the members in order and returns a key that comes twice.
    private mutating func sort() -> String? {
        guard !isStrictlySorted else { return nil }
        members.sort { JSONObject.order($0.key, $1.key) < 0 }
        for index in members.indices.dropFirst()
        where JSONObject.order(members[index - 1].key, members[index].key) == 0 {
            return members[index].key
        }
        return nil
    }

    private var isStrictlySorted: Bool {
        for index in members.indices.dropFirst()
        where JSONObject.order(members[index - 1].key, members[index].key) >= 0 {
            return false
        }
        return true
    }

    /// Below, at or above 0 as `left` comes before, is, or comes after `right`.
    ///
    /// UTF-8 sorts like UTF-16 but for one case: a surrogate pair, whose first unit is 0xD800…0xDBFF, sorts before
    /// U+E000…U+FFFF, and its UTF-8 (0xF0…) after theirs (0xEE, 0xEF).
    static func order(_ left: String, _ right: String) -> Int {
        var rightBytes = right.utf8.makeIterator()
        for a in left.utf8 {
            guard let b = rightBytes.next() else { return 1 }
            if a == b { continue }
            if a >= 0xEE && b >= 0xEE && (a >= 0xF0) != (b >= 0xF0) { return a >= 0xF0 ? -1 : 1 }
            return a < b ? -1 : 1
        }
        return rightBytes.next() == nil ? 0 : -1
    }
}
