/// A JSON value as our files use it: no object with the same key twice, and no fractions but in requests.
///
/// What is read becomes one, and what is small is made of one; records are written by `JSONWriter` directly.
public enum JSONValue: Hashable, Sendable {
    case object(JSONObject)
    case array([JSONValue])
    case string(String)
    /// Within `exactIntegers`; what can be larger is written as text (`quantity(_:)`).
    case integer(Int64)
    /// A number of a request that is no such integer, as its text; no record contains one (`JSONRequestReader`).
    case number(String)
    case bool(Bool)
    case null

    /// The integers that every JSON reader keeps exactly (RFC 7493, 2.2; RFC 8785, appendix D).
    public static let exactIntegers: ClosedRange<Int64> = -9_007_199_254_740_991...9_007_199_254_740_991

    /// An amount: a number, or decimal text where the number would lose digits in other readers.
    public static func quantity(_ amount: UInt64) -> JSONValue {
        amount <= UInt64(exactIntegers.upperBound) ? .integer(Int64(amount)) : .string(String(amount))
    }

    /// The text in canonical form.
    public var canonical: CanonicalJSON {
        CanonicalJSON { $0.value(self) }
    }
}

extension JSONWriter {
    mutating func value(_ value: JSONValue) {
        switch value {
        case .object(let object):
            self.object { json in
                for member in object.members {
                    json.key(member.key)
                    json.value(member.value)
                }
            }
        case .array(let elements): array(elements) { $0.value($1) }
        case .string(let text): string(text)
        case .integer(let number): integer(number)
        case .number(let text): number(text)
        case .bool(let value): bool(value)
        case .null: null()
        }
    }
}

extension JSONValue {
    public var object: JSONObject? {
        if case .object(let object) = self { return object }
        return nil
    }

    public var array: [JSONValue]? {
        if case .array(let array) = self { return array }
        return nil
    }

    public var string: String? {
        if case .string(let string) = self { return string }
        return nil
    }

    public var integer: Int64? {
        if case .integer(let integer) = self { return integer }
        return nil
    }

    public var bool: Bool? {
        if case .bool(let bool) = self { return bool }
        return nil
    }

    /// The member of an object; nil for anything else.
    public subscript(key: String) -> JSONValue? { object?[key] }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral
{
    public init(dictionaryLiteral members: (String, JSONValue)...) {
        self = .object(JSONObject(members))
    }

    public init(stringLiteral text: String) {
        self = .string(text)
    }

    public init(arrayLiteral elements: JSONValue...) {
        self = .array(elements)
    }

    public init(booleanLiteral value: Bool) {
        self = .bool(value)
    }

    public init(integerLiteral value: Int64) {
        self = .integer(value)
    }
}
