/// A value of a TOML document with the place it stands at.
struct TOMLNode: Hashable, Sendable {
    var value: TOMLValue
    var position: SourcePosition
}

/// A TOML value, as far as a policy can have one.
indirect enum TOMLValue: Hashable, Sendable {
    case table([TOMLMember])
    case array([TOMLNode])
    case string(String)
    case integer(Int64)
    case boolean(Bool)
    /// Told apart so that it can be refused by its name; no policy has one.
    case float
    /// Told apart so that it can be refused by its name; no policy has one.
    case dateOrTime

    /// The type with its article, for messages.
    var typeName: String {
        switch self {
        case .table: "a table"
        case .array: "an array"
        case .string: "a string"
        case .integer: "an integer"
        case .boolean: "a boolean"
        case .float: "a floating-point number"
        case .dateOrTime: "a date or time"
        }
    }
}

/// A key of a table with its value.
struct TOMLMember: Hashable, Sendable {
    /// The last part of a dotted key.
    var key: String
    var keyPosition: SourcePosition
    var node: TOMLNode
}

/// Where something stands in a text: line and column in characters, both from 1.
public struct SourcePosition: Hashable, Sendable, Comparable {
    public var line: UInt32
    public var column: UInt32

    public init(line: UInt32, column: UInt32) {
        self.line = line
        self.column = column
    }

    public static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}
