internal import Glibc

/// Lines and words of the kernel's own small files, as places in their bytes: nothing is copied to look at it.
public enum KernelText {
    /// What follows `name` and `separator` on the first line that begins with them, without blanks before it.
    ///
    /// - Returns: nil when no line begins so.
    public static func value(_ name: StaticString, _ separator: Unicode.Scalar, in text: [UInt8]) -> Range<Int>? {
        text.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            let length = name.utf8CodeUnitCount
            var start = 0
            while start < bytes.count {
                let end = memchr(base + start, 0x0A, bytes.count - start).map { UnsafeRawPointer($0) - base }
                let stop = end ?? bytes.count
                if stop - start > length, UInt32(bytes[start + length]) == separator.value,
                    memcmp(base + start, name.utf8Start, length) == 0
                {
                    var first = start + length + 1
                    while first < stop && isBlank(bytes[first]) { first += 1 }
                    return first..<stop
                }
                start = stop + 1
            }
            return nil
        }
    }

    /// The words from `range`, one space between each two, `limit` of them at most.
    public static func words(_ text: [UInt8], in range: Range<Int>, limit: Int = Int.max) -> String {
        var joined: [UInt8] = []
        joined.reserveCapacity(range.count)
        var next = range.lowerBound
        var count = 0
        while count < limit, let word = word(text, from: &next, to: range.upperBound) {
            if count > 0 { joined.append(0x20) }
            joined += text[word]
            count += 1
        }
        return String(decoding: joined, as: UTF8.self)
    }

    /// The next word at or after `position`, which moves behind it; nil at the end.
    public static func word(_ text: [UInt8], from position: inout Int, to end: Int) -> Range<Int>? {
        while position < end && isBlank(text[position]) { position += 1 }
        let start = position
        while position < end && !isBlank(text[position]) { position += 1 }
        return start < position ? start..<position : nil
    }

    /// A number without sign; nil for anything else, and for what does not fit.
    public static func number(_ text: [UInt8], in range: Range<Int>, radix: UInt64 = 10) -> UInt64? {
        guard !range.isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in text[range] {
            let digit: UInt64
            switch byte {
            case 0x30...0x39: digit = UInt64(byte - 0x30)
            case 0x61...0x66: digit = UInt64(byte - 0x61 + 10)
            default: return nil
            }
            guard digit < radix else { return nil }
            let (product, tooLarge) = value.multipliedReportingOverflow(by: radix)
            let (sum, stillTooLarge) = product.addingReportingOverflow(digit)
            guard !tooLarge && !stillTooLarge else { return nil }
            value = sum
        }
        return value
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A }
}
