internal import SandboxPlan

/// Headers of a tar archive: ustar with extended headers where ustar has no room (POSIX.1-2017, `pax`, "pax Interchange Format").
struct TarHeader {
    enum Kind: UInt8 {
        case file = 0x30
        case link = 0x32
        case folder = 0x35
        case extended = 0x78  // records for the next member
    }

    static let blockSize = 512

    var kind: Kind
    var path: OSString
    /// Permissions only.
    var mode: UInt32
    var size: UInt64 = 0
    /// Since 1970-01-01T00:00:00Z.
    var modified_ns: Int64
    /// Where a link leads.
    var target: OSString = ""

    /// The extended header, if one is needed, and the header: a multiple of 512 bytes.
    var bytes: [UInt8] {
        let records = self.records
        var bytes: [UInt8] = []
        if !records.isEmpty {
            // Readers that know no extended headers make a file of it: its name says what it is.
            let name = OSString("PaxHeaders/").appending(OSString(path.lastComponent.bytes.prefix(80)))
            var header = TarHeader(kind: .extended, path: name, mode: 0o644, modified_ns: 0)
            header.size = UInt64(records.count)
            bytes += header.block + records + TarHeader.padding(UInt64(records.count))
        }
        return bytes + block
    }

    /// Zeros up to the end of the block.
    static func padding(_ size: UInt64) -> [UInt8] {
        let rest = Int(size % UInt64(blockSize))
        return rest == 0 ? [] : [UInt8](repeating: 0, count: blockSize - rest)
    }

    // MARK: - Extended records

    private var records: [UInt8] {
        if kind == .extended { return [] }
        var records: [UInt8] = []
        let isText = path.utf8 != nil && target.utf8 != nil
        // Names that are not UTF-8 are given as they are.
        if !isText { records += TarHeader.record("hdrcharset", Array("BINARY".utf8)) }
        if needsRecord(shownPath) { records += TarHeader.record("path", shownPath) }
        if needsRecord(target.bytes) { records += TarHeader.record("linkpath", target.bytes) }
        if size > TarHeader.largestSize { records += TarHeader.record("size", Array(String(size).utf8)) }
        if modified_ns % 1_000_000_000 != 0 || modified_ns < 0 || seconds > Int64(TarHeader.largestSize) {
            records += TarHeader.record("mtime", Array(TarHeader.decimal(modified_ns).utf8))
        }
        return records
    }

    private func needsRecord(_ bytes: [UInt8]) -> Bool {
        bytes.count > 100 || bytes.contains { $0 >= 0x80 }
    }

    /// `LENGTH KEY=VALUE\n`, where the length counts itself.
    private static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = Array(" \(key)=".utf8) + value + [0x0A]
        var length = rest.count + 1
        while rest.count + String(length).utf8.count != length { length = rest.count + String(length).utf8.count }
        return Array(String(length).utf8) + rest
    }

    private static func decimal(_ nanoseconds: Int64) -> String {
        let (seconds, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        let digits = String(rest)
        let sign = nanoseconds < 0 ? "-" : ""
        return "\(sign)\(seconds).\(String(repeating: "0", count: 9 - digits.utf8.count))\(digits)"
    }

    // MARK: - The block

    /// Eleven octal digits.
    private static let largestSize: UInt64 = 0o777_7777_7777

    private var seconds: Int64 { modified_ns / 1_000_000_000 }

    /// Folders end with a slash.
    private var shownPath: [UInt8] { kind == .folder ? path.bytes + [UInt8(ascii: "/")] : path.bytes }

    private var block: [UInt8] {
        var block = [UInt8](repeating: 0, count: TarHeader.blockSize)
        func put(_ bytes: some Sequence<UInt8>, _ offset: Int, _ length: Int) {
            for (index, byte) in bytes.prefix(length).enumerated() { block[offset + index] = byte }
        }
        func put(octal number: UInt64, _ offset: Int, _ length: Int) {
            let digits = String(number, radix: 8).utf8
            put(repeatElement(UInt8(ascii: "0"), count: length - 1 - digits.count), offset, length - 1)
            put(digits, offset + length - 1 - digits.count, digits.count)
        }
        put(shownPath, 0, 100)
        put(octal: UInt64(mode & 0o777), 100, 8)
        put(octal: 0, 108, 8)
        put(octal: 0, 116, 8)
        put(octal: size > TarHeader.largestSize ? 0 : size, 124, 12)
        put(octal: min(UInt64(max(seconds, 0)), TarHeader.largestSize), 136, 12)
        put(repeatElement(UInt8(ascii: " "), count: 8), 148, 8)
        block[156] = kind.rawValue
        put(target.bytes, 157, 100)
        put("ustar".utf8, 257, 5)
        put("00".utf8, 263, 2)
        put(octal: 0, 329, 8)
        put(octal: 0, 337, 8)
        let sum = block.reduce(UInt64(0)) { $0 + UInt64($1) }
        // Six digits, a NUL and a blank.
        put(octal: sum, 148, 7)
        return block
    }
}
