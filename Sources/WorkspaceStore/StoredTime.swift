internal import Glibc

/// A moment in UTC to the microsecond, as the API and the database write it: without a zone.
///
/// The database has `2025-11-14 17:14:05.123456`, always with six digits, which is SQLAlchemy's form and sorts as text; the API
/// has `2025-11-14T17:14:05.123456`, Python's `isoformat` of a naive time, without the fraction where it is 0.
public struct StoredTime: Hashable, Comparable, Sendable {
    /// Since 1970-01-01T00:00:00Z; what is written as text lies in `range`.
    public var microseconds: Int64

    /// 1970-01-01T00:00:00 … 9999-12-31T23:59:59.999999, what four digits of a year can say.
    public static let range: ClosedRange<Int64> = 0...253_402_300_799_999_999

    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// CLOCK_REALTIME.
    public static func now() -> StoredTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return StoredTime(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    public static func < (left: StoredTime, right: StoredTime) -> Bool { left.microseconds < right.microseconds }
}
