/// A length of time in whole milliseconds: what policies, timers and records use.
public struct TimeSpan: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var milliseconds: UInt64

    public init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    public static func seconds(_ count: UInt64) -> TimeSpan { TimeSpan(milliseconds: count * 1000) }
    public static func hours(_ count: UInt64) -> TimeSpan { seconds(count * 3600) }

    /// Reads `500ms`, `30s`, `10m`, `2h`, `1d`, `30` (seconds); nil for anything else, for 0 and for more than 10 years.
    public init?(parsing text: String) {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard let number = UInt64(digits), number > 0 else { return nil }
        let scale: UInt64
        switch text.dropFirst(digits.count) {
        case "ms": scale = 1
        case "", "s": scale = 1000
        case "m": scale = 60_000
        case "h": scale = 3_600_000
        case "d": scale = 86_400_000
        default: return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: scale)
        guard !overflow, product <= 315_360_000_000 else { return nil }
        self.milliseconds = product
    }

    public static func < (left: TimeSpan, right: TimeSpan) -> Bool { left.milliseconds < right.milliseconds }

    public var description: String {
        if milliseconds % 3_600_000 == 0 && milliseconds > 0 { return "\(milliseconds / 3_600_000) h" }
        if milliseconds % 60_000 == 0 && milliseconds > 0 { return "\(milliseconds / 60_000) min" }
        if milliseconds % 1000 == 0 { return "\(milliseconds / 1000) s" }
        return "\(milliseconds) ms"
    }
}
