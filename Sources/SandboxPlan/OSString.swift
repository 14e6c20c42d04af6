internal import Glibc

/// A string as the kernel has it: any bytes but NUL, in no particular encoding.
///
/// Paths, arguments and environment entries are bytes on Linux (path_resolution(7)); a Swift `String` cannot hold a
/// file name that is not UTF-8, so everything that comes from or goes to the kernel is an `OSString`.
public struct OSString: Hashable, Sendable {
    /// The bytes, without the terminating NUL.
    public var bytes: [UInt8]

    public init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = Array(bytes)
    }

    public init(_ text: String) {
        self.bytes = Array(text.utf8)
    }

    public var isEmpty: Bool { bytes.isEmpty }

    /// The text, if the bytes are valid UTF-8.
    public var utf8: String? {
        String(validating: bytes, as: UTF8.self)
    }
}

extension OSString {
    /// The same bytes, by one comparison of memory: paths are compared thousands of times in a launch.
    public static func == (left: OSString, right: OSString) -> Bool {
        let count = left.bytes.count
        guard count == right.bytes.count else { return false }
        return left.bytes.withUnsafeBytes { left in
            right.bytes.withUnsafeBytes { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return true }
                return memcmp(left, right, count) == 0
            }
        }
    }

    /// All bytes at once; an array of them would feed the hasher one by one.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(bytes.count)
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

extension OSString: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension OSString: CustomStringConvertible {
    /// The text for a terminal or a log: control characters, ESC and bytes that are not UTF-8 are escaped.
    ///
    /// A file name can then neither drive a terminal nor forge a log line.
    public var description: String {
        if isPlain { return String(decoding: bytes, as: UTF8.self) }
        var text = ""
        var rest = bytes[...]
        while let byte = rest.first {
            if byte == 0x5C {
                text += "\\\\"
                rest = rest.dropFirst()
            } else if byte >= 0x20 && byte < 0x7F {
                text.unicodeScalars.append(Unicode.Scalar(byte))
                rest = rest.dropFirst()
            } else if byte >= 0x80, let (scalar, length) = OSString.scalar(at: rest), scalar.value >= 0xA0,
                !OSString.movesText(scalar)
            {
                text.unicodeScalars.append(scalar)
                rest = rest.dropFirst(length)
            } else {
                text += OSString.escaped(byte)
                rest = rest.dropFirst()
            }
        }
        return text
    }

    /// Whether nothing needs an escape: printable ASCII without a backslash, as nearly every path is.
    private var isPlain: Bool {
        var other: UInt8 = 0
        for byte in bytes { other |= byte &- 0x20 < 0x5F && byte != 0x5C ? 0 : 1 }
        return other == 0
    }

    private static func escaped(_ byte: UInt8) -> String {
        switch byte {
        case 0x0A: return "\\n"
        case 0x09: return "\\t"
        case 0x0D: return "\\r"
        default:
            let digits = Array("0123456789abcdef")
            return "\\x" + String(digits[Int(byte >> 4)]) + String(digits[Int(byte & 15)])
        }
    }

    /// Characters that reorder or hide the text around them: bidirectional controls, zero-width, line separators.
    private static func movesText(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE0FFF: true
        default: false
        }
    }

    private static func scalar(at bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
        var iterator = bytes.prefix(4).makeIterator()
        var decoder = UTF8()
        switch decoder.decode(&iterator) {
        case .scalarValue(let scalar): return (scalar, UTF8.width(scalar))
        case .emptyInput, .error: return nil
        }
    }
}

extension OSString: Comparable {
    public static func < (left: OSString, right: OSString) -> Bool {
        let common = min(left.bytes.count, right.bytes.count)
        let order = left.bytes.withUnsafeBytes { left in
            right.bytes.withUnsafeBytes { right in
                guard common > 0, let left = left.baseAddress, let right = right.baseAddress else { return Int32(0) }
                return memcmp(left, right, common)
            }
        }
        return order == 0 ? left.bytes.count < right.bytes.count : order < 0
    }
}
