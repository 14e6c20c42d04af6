internal import SandboxPlan

/// A file's name in the head of a difference.
enum PatchName {
    /// In quotes with escapes, as git writes and `patch` reads it, where there is a control character, quote, backslash or a byte
    /// that is not UTF-8 in it; with a tab behind it where there is a blank, which ends a name else.
    static func shown(_ side: String, _ path: OSString) -> [UInt8] {
        let name = Array(side.utf8) + [UInt8(ascii: "/")] + path.bytes
        let isPlain = path.utf8 != nil && name.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != 0x22 && $0 != 0x5C }
        if isPlain { return name.contains(0x20) ? name + [0x09] : name }
        var quoted: [UInt8] = [0x22]
        for byte in name {
            switch byte {
            case 0x22, 0x5C: quoted += [0x5C, byte]
            case 0x20..<0x7F: quoted.append(byte)
            default:
                let zero = UInt8(ascii: "0")
                quoted += [0x5C, zero + (byte >> 6), zero + (byte >> 3 & 7), zero + (byte & 7)]
            }
        }
        return quoted + [0x22]
    }
}
