public import SandboxPlan

extension GitUser {
    /// Takes `user.name` and `user.email` out of a git settings file; later values win, nothing else is looked at.
    ///
    /// The syntax is git-config(1)'s: sections in brackets, `name = value`, quotes, backslash escapes, comments.
    /// Includes are not followed, and a value that is broken is passed over.
    public mutating func read(_ text: [UInt8]) {
        var inUser = false
        for line in text.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            let line = line.drop { $0 == 0x20 || $0 == 0x09 }
            guard let first = line.first else { continue }
            if first == UInt8(ascii: "[") {
                let title = line.dropFirst().prefix { $0 != UInt8(ascii: "]") }
                inUser = GitUser.lowercase(title) == Array("user".utf8)
                continue
            }
            guard inUser, let sign = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let key = GitUser.lowercase(line[..<sign].filter { $0 != 0x20 && $0 != 0x09 })
            guard let value = GitUser.value(line[(sign + 1)...]) else { continue }
            if key == Array("name".utf8) { name = OSString(value) }
            if key == Array("email".utf8) { email = OSString(value) }
        }
    }

    static func lowercase(_ text: some Sequence<UInt8>) -> [UInt8] {
        text.map { (0x41...0x5A).contains($0) ? $0 + 32 : $0 }
    }

    /// The value with quotes and escapes undone and blanks at its ends removed; nil when it is broken.
    static func value(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = text.drop { $0 == 0x20 || $0 == 0x09 }
        var value: [UInt8] = []
        var quoted = false
        var end = 0
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""):
                quoted.toggle()
                end = value.count
                continue
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { return nil }
                switch escaped {
                case UInt8(ascii: "n"): value.append(0x0A)
                case UInt8(ascii: "t"): value.append(0x09)
                case UInt8(ascii: "\\"), UInt8(ascii: "\""): value.append(escaped)
                default: return nil
                }
            case UInt8(ascii: "#"), UInt8(ascii: ";"):
                if !quoted { return Array(value[..<end]) }
                value.append(byte)
            case 0: return nil
            default: value.append(byte)
            }
            if quoted || (byte != 0x20 && byte != 0x09) { end = value.count }
        }
        return quoted ? nil : Array(value[..<end])
    }
}
