internal import Glibc

/// Looks for a short text in many bytes.
enum ByteSearch {
    static func contains(_ text: String, in bytes: [UInt8]) -> Bool { end(of: text, in: bytes) != nil }

    /// Where the text ends that begins first; nil where it does not occur.
    static func end(of text: String, in bytes: [UInt8]) -> Int? {
        let wanted = Array(text.utf8)
        guard let first = wanted.first else { return 0 }
        return bytes.withUnsafeBufferPointer { bytes in
            guard bytes.count >= wanted.count else { return nil }
            for start in 0...(bytes.count - wanted.count) where bytes[start] == first {
                if bytes[start..<start + wanted.count].elementsEqual(wanted) { return start + wanted.count }
            }
            return nil
        }
    }

    /// Where the last newline before `end` is; by memchr(3), for a launch waits and a line is long.
    static func lastNewline(in bytes: [UInt8], before end: Int) -> Int? {
        bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return nil }
            var last: Int?
            var from = 0
            while from < end, let found = memchr(start + from, Int32(UInt8(ascii: "\n")), end - from) {
                let place = UnsafeRawPointer(found) - start
                last = place
                from = place + 1
            }
            return last
        }
    }
}
