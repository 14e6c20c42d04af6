/// An amount of memory or of file content, in bytes.
public struct ByteCount: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var bytes: UInt64

    public init(bytes: UInt64) {
        self.bytes = bytes
    }

    public static func mebibytes(_ count: UInt64) -> ByteCount { ByteCount(bytes: count << 20) }
    public static func gibibytes(_ count: UInt64) -> ByteCount { ByteCount(bytes: count << 30) }

    /// Reads `4GiB`, `512MiB`, `64KiB`, `1000`, `10MB`; nil for anything else, for 0 and for what overflows 63 bits.
    public init?(parsing text: String) {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard let number = UInt64(digits), number > 0 else { return nil }
        let scale: UInt64
        switch text.dropFirst(digits.count) {
        case "", "B": scale = 1
        case "KiB", "K": scale = 1 << 10
        case "MiB", "M": scale = 1 << 20
        case "GiB", "G": scale = 1 << 30
        case "TiB", "T": scale = 1 << 40
        case "kB", "KB": scale = 1000
        case "MB": scale = 1_000_000
        case "GB": scale = 1_000_000_000
        case "TB": scale = 1_000_000_000_000
        default: return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: scale)
        guard !overflow, product <= UInt64(Int64.max) else { return nil }
        self.bytes = product
    }

    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    /// The largest binary unit that divides the amount evenly, so that the text reads back to the same amount.
    public var description: String {
        for (unit, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)] as [(String, UInt64)]
        where bytes > 0 && bytes & ((1 << shift) - 1) == 0 {
            return "\(bytes >> shift) \(unit)"
        }
        return "\(bytes) B"
    }
}
