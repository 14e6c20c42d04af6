internal import Glibc

/// Looks for a short text in many bytes.
enum ByteSearch {
    static func contains(_ text: String, in bytes: [UInt8]) -> Bool {
        let wanted = Array(text.utf8)
        guard let first = wanted.first else { return true }
        return bytes.withUnsafeBufferPointer { bytes in
            guard bytes.count >= wanted.count else { return false }
            for start in 0...(bytes.count - wanted.count) where bytes[start] == first {
                if bytes[start..<start + wanted.count].elementsEqual(wanted) { return true }
            }
            return false
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
