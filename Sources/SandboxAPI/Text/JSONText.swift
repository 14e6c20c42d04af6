internal import SandboxPlan
internal import SandboxRuntime
internal import WorkspaceStore

/// Writes an answer's JSON straight into bytes, members in the order given.
///
/// What is answered has a fixed shape, so nothing is built that is then walked; a file's contents are read once and written once.
struct JSONText {
    private(set) var bytes: [UInt8] = []

    static func bytes(reserving capacity: Int = 512, _ write: (inout JSONText) -> Void) -> [UInt8] {
        var text = JSONText()
        text.bytes.reserveCapacity(capacity)
        write(&text)
        return text.bytes
    }

    mutating func object(_ members: (inout JSONText) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "{"))
        members(&self)
        bytes.append(UInt8(ascii: "}"))
    }

    mutating func array<Element>(_ elements: some Sequence<Element>, _ write: (inout JSONText, Element) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "["))
        for element in elements { write(&self, element) }
        bytes.append(UInt8(ascii: "]"))
    }

    /// The key of a member, whose value comes next.
    ///
    /// Keys are ours, and need no escapes.
    mutating func key(_ key: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func string(_ text: String) {
        separate()
        var text = text
        text.withUTF8 { _ = quote($0) }
    }

    /// Bytes as text; those that are not UTF-8 become U+FFFD, and the answer is false.
    @discardableResult
    mutating func text(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        separate()
        return quote(text)
    }

    mutating func integer(_ number: some BinaryInteger) {
        separate()
        bytes.append(contentsOf: String(number).utf8)
    }

    mutating func bool(_ value: Bool) { word(value ? "true" : "false") }

    mutating func null() { word("null") }

    private mutating func word(_ word: StaticString) {
        separate()
        bytes.append(contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    /// A value that was read, or made of literals.
    mutating func value(_ value: JSONValue) {
        separate()
        bytes.append(contentsOf: value.canonical.bytes)
    }

    /// A comma, unless this is the first in its object or array, or the value of a key.
    private mutating func separate() {
        guard let last = bytes.last else { return }
        switch last {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"): return
        default: bytes.append(UInt8(ascii: ","))
        }
    }
}

// MARK: - Members

extension JSONText {
    mutating func member(_ key: StaticString, _ text: String) {
        self.key(key)
        string(text)
    }

    /// Null where there is none: the original's answers have every key.
    mutating func member(_ key: StaticString, orNull text: String?) {
        self.key(key)
        if let text { string(text) } else { null() }
    }

    mutating func member(_ key: StaticString, _ number: some BinaryInteger) {
        self.key(key)
        integer(number)
    }

    mutating func member(_ key: StaticString, _ value: Bool) {
        self.key(key)
        bool(value)
    }

    mutating func member(_ key: StaticString, _ time: StoredTime) {
        self.key(key)
        string(time.naiveText)
    }

    mutating func member<Element>(
        _ key: StaticString,
        array elements: some Sequence<Element>,
        _ write: (inout JSONText, Element) -> Void
    ) {
        self.key(key)
        array(elements, write)
    }

    /// A path as text, and where that is not exact also as it stands in a URL.
    mutating func path(_ path: OSString) {
        key("path")
        let isExact = path.bytes.withUnsafeBufferPointer { text($0) }
        if !isExact { member("encoded_path", PercentCoding.encoded(path.bytes)) }
    }

    /// Bytes as `text`, or as `base64` where they are not UTF-8.
    mutating func data(_ data: [UInt8]) {
        let before = bytes.count
        key("text")
        let isExact = data.withUnsafeBufferPointer { text($0) }
        if isExact { return }
        bytes.removeSubrange(before...)
        member("base64", Base64Text.text(data))
    }
}

// MARK: - Strings

extension JSONText {
    /// UTF-8 in quotes with the escapes that JSON asks for (RFC 8259, 7), and the control characters above U+007E as they are.
    private mutating func quote(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.reserveCapacity(bytes.count + text.count + 2)
        bytes.append(UInt8(ascii: "\""))
        var isExact = true
        var start = 0
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte < 0x80 {
                if byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") {
                    index += 1
                    continue
                }
                bytes.append(contentsOf: text[start..<index])
                escape(byte)
                index += 1
                start = index
                continue
            }
            let length = UTF8Sequence.length(text, at: index)
            if length > 0 {
                index += length
                continue
            }
            bytes.append(contentsOf: text[start..<index])
            bytes.append(contentsOf: [0xEF, 0xBF, 0xBD])
            isExact = false
            index += 1
            start = index
        }
        bytes.append(contentsOf: text[start...])
        bytes.append(UInt8(ascii: "\""))
        return isExact
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(contentsOf: [
                UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0"), digits[Int(byte >> 4)], digits[Int(byte & 15)],
            ])
        }
    }
}

/// Well-formed UTF-8, byte for byte (Unicode 15, table 3-7).
enum UTF8Sequence {
    /// The bytes of the character of more than one byte at `index`; 0 where there is none.
    static func length(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Int {
        let first = text[index]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0:
            length = 3
            second = 0xA0...0xBF
        case 0xED:
            length = 3
            second = 0x80...0x9F
        case 0xE1...0xEF: length = 3
        case 0xF0:
            length = 4
            second = 0x90...0xBF
        case 0xF1...0xF3: length = 4
        case 0xF4:
            length = 4
            second = 0x80...0x8F
        default: return 0
        }
        guard index + length <= text.count, second.contains(text[index + 1]) else { return 0 }
        for place in (index + 2)..<max(index + 2, index + length) where text[place] & 0xC0 != 0x80 { return 0 }
        return length
    }
}
