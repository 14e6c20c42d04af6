/// Writes JSON in canonical form (RFC 8785) straight into bytes.
///
/// A record is written at every launch, so nothing is built that is then walked: whoever writes an object writes its members
/// in order. A build for tests traps at a key out of order, and at a key that comes twice.
struct JSONWriter: ~Copyable {
    // Not an array, which would be asked before each byte whether it is shared.
    private var buffer: UnsafeMutableRawBufferPointer
    private var count = 0
    /// Whether the buffer is the writer's own, because the memory it was given did not suffice.
    private var hasOutgrown = false
    #if DEBUG
    /// The key written last in each object that is open; nil before the first.
    private var lastKeys: [String?] = []
    #endif

    /// Writes into `memory` as long as that suffices; the caller keeps it until the writer is gone.
    private init(into memory: UnsafeMutableBufferPointer<UInt8>) {
        buffer = UnsafeMutableRawBufferPointer(memory)
    }

    deinit {
        if hasOutgrown { buffer.deallocate() }
    }

    /// What `write` writes, straight into the array's memory where `capacity` bytes are enough: a record's pages are as dear
    /// as its text.
    static func bytes(capacity: Int, _ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var longer: [UInt8]?
        let bytes = [UInt8](unsafeUninitializedCapacity: max(capacity, 64)) { memory, count in
            var writer = JSONWriter(into: memory)
            write(&writer)
            if writer.hasOutgrown {
                longer = Array(UnsafeRawBufferPointer(rebasing: writer.buffer[..<writer.count]))
            } else {
                count = writer.count
            }
        }
        return longer ?? bytes
    }

    /// The bytes written so far; behind a key, where its value begins.
    var length: Int { count }

    // MARK: - Values

    mutating func object(_ members: (inout JSONWriter) -> Void) {
        beginValue()
        append(UInt8(ascii: "{"))
        #if DEBUG
        lastKeys.append(nil)
        #endif
        members(&self)
        #if DEBUG
        lastKeys.removeLast()
        #endif
        append(UInt8(ascii: "}"))
    }

    /// An array whose elements `write` writes, one value each.
    mutating func elements(_ write: (inout JSONWriter) -> Void) {
        beginValue()
        append(UInt8(ascii: "["))
        write(&self)
        append(UInt8(ascii: "]"))
    }

    mutating func array<Element>(_ elements: some Sequence<Element>, _ write: (inout JSONWriter, Element) -> Void) {
        self.elements { json in
            for element in elements { write(&json, element) }
        }
    }

    /// The text exactly; see `text(_:)` for words that may quote what others wrote.
    mutating func string(_ text: String) {
        beginValue()
        var text = text
        text.withUTF8 { quote(UnsafeRawBufferPointer($0)) }
    }

    mutating func integer(_ number: Int64) {
        precondition(JSONValue.exactIntegers.contains(number), "an integer that JSON readers do not keep exactly")
        beginValue()
        if number < 0 { append(UInt8(ascii: "-")) }
        appendDecimal(number.magnitude)
    }

    /// An amount: a number, or decimal text where the number would lose digits in other readers.
    mutating func quantity(_ amount: some FixedWidthInteger & UnsignedInteger) {
        if UInt64(amount) > UInt64(JSONValue.exactIntegers.upperBound) { return identifier(amount) }
        beginValue()
        appendDecimal(UInt64(amount))
    }

    /// A number that names something — a device, an inode — always decimal text, because 64 bits do not fit.
    mutating func identifier(_ number: some FixedWidthInteger & UnsignedInteger) {
        beginValue()
        append(UInt8(ascii: "\""))
        appendDecimal(UInt64(number))
        append(UInt8(ascii: "\""))
    }

    mutating func hexadecimal(_ digest: [UInt8]) {
        beginValue()
        append(UInt8(ascii: "\""))
        for byte in digest {
            append(Hexadecimal.digit(byte >> 4))
            append(Hexadecimal.digit(byte & 15))
        }
        append(UInt8(ascii: "\""))
    }

    /// In quotes, four digits at least, as people write modes.
    mutating func octal(_ number: UInt32) {
        beginValue()
        append(UInt8(ascii: "\""))
        var shift: UInt32 = 9
        while shift < 30 && number >> (shift + 3) != 0 { shift += 3 }
        while true {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number >> shift & 7))
            if shift == 0 { break }
            shift -= 3
        }
        append(UInt8(ascii: "\""))
    }

    /// A number that was read as text, as it was.
    mutating func number(_ text: String) {
        beginValue()
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    mutating func bool(_ value: Bool) {
        beginValue()
        append(value ? "true" : "false")
    }

    mutating func null() {
        beginValue()
        append("null")
    }

    /// A value that was written earlier.
    mutating func written(_ value: CanonicalJSON) {
        beginValue()
        value.bytes.withUnsafeBytes { append($0) }
    }

    // MARK: - Keys

    /// The key of an object's next member, whose value comes next.
    ///
    /// Keys of our own are ASCII and need no escapes.
    mutating func key(_ key: StaticString) {
        #if DEBUG
        checkOrder(key.description)
        #endif
        // A record has a thousand keys: room is asked for once.
        let length = key.utf8CodeUnitCount
        reserve(length + 4)
        separate()
        buffer[count] = UInt8(ascii: "\"")
        UnsafeMutableRawBufferPointer(rebasing: buffer[(count + 1)...])
            .copyMemory(from: UnsafeRawBufferPointer(start: key.utf8Start, count: length))
        buffer[count + 1 + length] = UInt8(ascii: "\"")
        buffer[count + 2 + length] = UInt8(ascii: ":")
        count += length + 3
    }

    /// A key that is only known at run time.
    mutating func key(_ key: String) {
        #if DEBUG
        checkOrder(key)
        #endif
        separate()
        var key = key
        key.withUTF8 { quote(UnsafeRawBufferPointer($0)) }
        append(UInt8(ascii: ":"))
    }

    #if DEBUG
    private mutating func checkOrder(_ key: String) {
        guard let last = lastKeys.popLast() else { preconditionFailure("the key \(key) outside an object") }
        if let last { precondition(JSONObject.order(last, key) < 0, "the key \(key) after \(last)") }
        lastKeys.append(key)
    }
    #endif

    // MARK: - Bytes

    /// A comma, unless this is the first in its object or array: no value ends with an opening bracket.
    private mutating func separate() {
        guard count > 0 else { return }
        let last = buffer[count - 1]
        if last != UInt8(ascii: "{") && last != UInt8(ascii: "[") { append(UInt8(ascii: ",")) }
    }

    /// A comma before an element; the value of a member follows its key directly.
    mutating func beginValue() {
        guard count > 0 else { return }
        if buffer[count - 1] != UInt8(ascii: ":") { separate() }
    }

    @inline(__always) private mutating func reserve(_ more: Int) {
        if buffer.count - count < more { grow(by: more) }
    }

    @inline(never) private mutating func grow(by more: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * (buffer.count + more), alignment: 1)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        if hasOutgrown { buffer.deallocate() }
        buffer = larger
        hasOutgrown = true
    }

    @inline(__always) private mutating func append(_ byte: UInt8) {
        reserve(1)
        buffer[count] = byte
        count += 1
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        reserve(bytes.count)
        UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).copyMemory(from: bytes)
        count += bytes.count
    }

    private mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func appendDecimal(_ number: UInt64) {
        reserve(20)
        var digits = 1
        var limit: UInt64 = 10
        // Ten to the twentieth is more than fits.
        while digits < 20 && number >= limit {
            digits += 1
            if digits < 20 { limit *= 10 }
        }
        var rest = number
        for place in stride(from: count + digits - 1, through: count, by: -1) {
            buffer[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += digits
    }

    /// A value of printable ASCII that needs no escape, as nearly every one is; false, and nothing written, for the rest.
    mutating func plain(_ utf8: UnsafeRawBufferPointer) -> Bool {
        let before = count
        beginValue()
        if quotePlain(utf8) { return true }
        count = before
        return false
    }

    private mutating func quotePlain(_ utf8: UnsafeRawBufferPointer) -> Bool {
        let length = utf8.count
        reserve(length + 2)
        guard let source = utf8.baseAddress, let target = buffer.baseAddress?.advanced(by: count) else { return false }
        // Looked at and copied in one go, eight at a time; what turns out to need more is written over.
        var other: UInt64 = 0
        target.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        var index = 0
        while index + 8 <= length {
            let word = source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            other |= JSONWriter.special(word)
            target.storeBytes(of: word, toByteOffset: index + 1, as: UInt64.self)
            index += 8
        }
        while index < length {
            let byte = source.load(fromByteOffset: index, as: UInt8.self)
            other |= JSONWriter.special(UInt64(byte) | 0x2020_2020_2020_2000)
            target.storeBytes(of: byte, toByteOffset: index + 1, as: UInt8.self)
            index += 1
        }
        guard other == 0 else { return false }
        target.storeBytes(of: UInt8(ascii: "\""), toByteOffset: length + 1, as: UInt8.self)
        count += length + 2
        return true
    }

    /// Not 0 if one of eight bytes is below 0x20, above 0x7E, a quotation mark or a backslash: the high bit of each byte is a
    /// sum's, which does not reach the next one while those bits are taken out before.
    @inline(__always) private static func special(_ word: UInt64) -> UInt64 {
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        let seven = word & low
        // 0x20 and more carries into the high bit with 0x60; 0x7F alone does with 1.
        let control = ~(seven &+ 0x6060_6060_6060_6060)
        let delete = seven &+ 0x0101_0101_0101_0101
        // What is equal is 0, and only that does not carry.
        let quote = ~((seven ^ 0x2222_2222_2222_2222) &+ low)
        let backslash = ~((seven ^ 0x5C5C_5C5C_5C5C_5C5C) &+ low)
        return (word | control | delete | quote | backslash) & ~low
    }

    /// UTF-8 in quotes: only `"`, `\` and control characters below U+0020 are escaped (RFC 8785, 3.2.2.2).
    mutating func quote(_ utf8: UnsafeRawBufferPointer) {
        if quotePlain(utf8) { return }
        append(UInt8(ascii: "\""))
        var start = 0
        for index in 0..<utf8.count where JSONWriter.needsEscape(utf8[index]) {
            append(UnsafeRawBufferPointer(rebasing: utf8[start..<index]))
            start = index + 1
            escape(utf8[index])
        }
        append(UnsafeRawBufferPointer(rebasing: utf8[start...]))
        append(UInt8(ascii: "\""))
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case 0x08: append("\\b")
        case 0x09: append("\\t")
        case 0x0A: append("\\n")
        case 0x0C: append("\\f")
        case 0x0D: append("\\r")
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        default:
            append("\\u00")
            append(Hexadecimal.digit(byte >> 4))
            append(Hexadecimal.digit(byte & 15))
        }
    }
}
