/// So much of a processor's time as so many processors have, in thousandths.
public struct ProcessorShare: Hashable, Sendable, CustomStringConvertible {
    public var thousandths: UInt64

    public init(thousandths: UInt64) {
        self.thousandths = thousandths
    }

    /// Reads `2`, `0.5`, `1.25`: three digits behind the point at most; nil for anything else.
    public init?(parsing text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let whole = ProcessorShare.number(first), whole <= 1_000_000 else { return nil }
        var rest: UInt64 = 0
        if parts.count == 2 {
            guard parts[1].utf8.count <= 3, let fraction = ProcessorShare.number(parts[1]) else { return nil }
            rest = fraction
            for _ in parts[1].utf8.count..<3 { rest *= 10 }
        }
        thousandths = whole * 1000 + rest
    }

    private static func number(_ digits: Substring) -> UInt64? {
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(digits)
    }

    /// As it is written: `0.5`.
    public var description: String {
        if thousandths % 1000 == 0 { return String(thousandths / 1000) }
        var digits = String(thousandths % 1000 + 1000)
        digits.removeFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(thousandths / 1000).\(digits)"
    }
}
