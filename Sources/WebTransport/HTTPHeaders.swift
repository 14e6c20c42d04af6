/// Header fields in their order; names are compared without case (RFC 9110, 5.1).
///
/// Of a request: the values are without the blanks around them. Of a response: a name that is no token, or a value with
/// CR, LF, NUL or another control byte but HT, is never sent; the client gets a 500 instead.
public struct HTTPHeaders: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// One line of a head.
    public struct Field: Hashable, Sendable {
        public var name: String
        public var value: String
    }

    public private(set) var fields: [Field] = []

    public init() {}

    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    /// The value of the only field of that name; nil where there is none, or more than one.
    public subscript(name: String) -> String? {
        var found: String?
        for index in fields.indices where isField(index, name) {
            guard found == nil else { return nil }
            found = fields[index].value
        }
        return found
    }

    private func isField(_ index: Int, _ name: String) -> Bool { HTTPHeaders.isSame(fields[index].name, name) }

    /// The values of all fields of that name, in order.
    public func all(_ name: String) -> [String] {
        fields.filter { HTTPHeaders.isSame($0.name, name) }.map(\.value)
    }

    public func contains(_ name: String) -> Bool { fields.indices.contains { isField($0, name) } }

    /// Makes room for so many fields in all.
    public mutating func reserve(_ count: Int) { fields.reserveCapacity(count) }

    /// Puts a field behind the others.
    public mutating func add(_ name: String, _ value: String) { fields.append(Field(name: name, value: value)) }

    /// Takes the place of every field of that name.
    public mutating func set(_ name: String, _ value: String) {
        if contains(name) { fields.removeAll { HTTPHeaders.isSame($0.name, name) } }
        add(name, value)
    }

    static func isSame(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        // By their memory: byte by byte through two views costs ten times as much.
        let isSame = left.utf8.withContiguousStorageIfAvailable { left in
            right.utf8.withContiguousStorageIfAvailable { right in
                for index in left.indices where lower(left[index]) != lower(right[index]) { return false }
                return true
            }
        }
        return (isSame ?? nil) ?? zip(left.utf8, right.utf8).allSatisfy { lower($0) == lower($1) }
    }

    static func lower(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }

    /// Whether names and methods may have that byte (RFC 9110, 5.6.2).
    static func isToken(_ byte: UInt8) -> Bool {
        // A bit for each: !#$%&'*+-. and digits; letters and ^_`|~.
        let bits: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return byte < 128 && bits >> UInt64(byte & 63) & 1 == 1
    }

    /// Whether a text is a token.
    static func isToken(_ text: String) -> Bool {
        guard !text.isEmpty else { return false }
        let isToken = text.utf8.withContiguousStorageIfAvailable { $0.allSatisfy { HTTPHeaders.isToken($0) } }
        return isToken ?? text.utf8.allSatisfy { HTTPHeaders.isToken($0) }
    }

    /// Whether a text can be a value: no control byte but HT.
    static func isValue(_ text: String) -> Bool {
        let isValue = text.utf8.withContiguousStorageIfAvailable { bytes in
            // Without a way out on the way, so that many bytes are looked at together.
            var other: UInt8 = 0
            for byte in bytes { other |= byte >= 0x20 && byte != 0x7F || byte == 0x09 ? 0 : 1 }
            return other == 0
        }
        return isValue ?? text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }
}
