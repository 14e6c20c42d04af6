/// Which bytes make a character of UTF-8 (RFC 3629, section 4).
enum UTF8Form {
    /// Bytes of a character that begins with this one; 1 for what begins none of several.
    static func size(_ first: UInt8) -> Int {
        switch first {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
    }

    /// What may stand behind the first one.
    static func second(_ first: UInt8) -> ClosedRange<UInt8> {
        switch first {
        case 0xE0: 0xA0...0xBF
        case 0xED: 0x80...0x9F
        case 0xF0: 0x90...0xBF
        case 0xF4: 0x80...0x8F
        default: 0x80...0xBF
        }
    }

    /// Bytes of the character that begins here; nil when it is not whole, none, or a control.
    static func character(_ bytes: UnsafeRawPointer, atMost count: Int) -> Int? {
        let first = bytes.load(as: UInt8.self)
        let size = UTF8Form.size(first)
        guard size > 1, count >= size else { return nil }
        let next = bytes.load(fromByteOffset: 1, as: UInt8.self)
        guard second(first).contains(next), first != 0xC2 || next >= 0xA0 else { return nil }
        for index in 2..<max(2, size) where bytes.load(fromByteOffset: index, as: UInt8.self) & 0xC0 != 0x80 {
            return nil
        }
        return size
    }

    /// Whether all of it are characters, none of them a control (ECMA-48, C0 and C1; DEL).
    static func isText(_ bytes: ArraySlice<UInt8>) -> Bool {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let first = bytes[index]
            let size = UTF8Form.size(first)
            if size == 1 {
                guard (0x20...0x7E).contains(first) else { return false }
            } else {
                guard index + size <= bytes.endIndex, second(first).contains(bytes[index + 1]) else { return false }
                if first == 0xC2 && bytes[index + 1] < 0xA0 { return false }
                for rest in bytes[(index + 2)..<(index + size)] where rest & 0xC0 != 0x80 { return false }
            }
            index += size
        }
        return true
    }

    /// Whether a terminal that takes bytes for 8-bit characters begins a sequence with it, or answers it: DCS, SOS, DECID, CSI, OSC, PM, APC.
    static func beginsSequence(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x90, 0x98, 0x9A, 0x9B, 0x9D, 0x9E, 0x9F: true
        default: false
        }
    }
}
