internal import Glibc

/// A moment on the wall clock, in microseconds since 1970-01-01 UTC.
public struct Timestamp: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Never negative: a clock before 1970 reads as 1970.
    public var microseconds: UInt64

    public init(microseconds: UInt64) {
        self.microseconds = microseconds
    }

    /// What the system's real-time clock says (clock_gettime(2)); a clock that is set shows in the record.
    public static var now: Timestamp {
        var time = timespec()
        // Fails only for a clock that does not exist.
        let result = clock_gettime(CLOCK_REALTIME, &time)
        precondition(result == 0, "no real-time clock")
        return Timestamp(microseconds: UInt64(max(0, time.tv_sec)) * 1_000_000 + UInt64(time.tv_nsec) / 1000)
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// The moment so many days of 24 hours before this one; not before 1970.
    func earlier(byDays days: Int64) -> Timestamp {
        let (span, overflow) = UInt64(max(0, days)).multipliedReportingOverflow(by: 86_400_000_000)
        return Timestamp(microseconds: overflow || span > microseconds ? 0 : microseconds - span)
    }

    /// RFC 3339 in UTC with six digits: `2026-01-31T09:05:00.000250Z`.
    public var description: String {
        let seconds = microseconds / 1_000_000
        let (year, month, day) = Timestamp.date(daysSince1970: seconds / 86_400)
        let second = seconds % 86_400
        // Twenty digits of a year are more than there can be.
        return String(unsafeUninitializedCapacity: 48) { text in
            var count = 0
            Timestamp.append(year, digits: 4, "-", to: text, &count)
            Timestamp.append(month, digits: 2, "-", to: text, &count)
            Timestamp.append(day, digits: 2, "T", to: text, &count)
            Timestamp.append(second / 3600, digits: 2, ":", to: text, &count)
            Timestamp.append(second / 60 % 60, digits: 2, ":", to: text, &count)
            Timestamp.append(second % 60, digits: 2, ".", to: text, &count)
            Timestamp.append(microseconds % 1_000_000, digits: 6, "Z", to: text, &count)
            return count
        }
    }

    /// With zeros in front where there are fewer digits.
    private static func append(
        _ number: UInt64,
        digits: Int,
        _ separator: Unicode.Scalar,
        to text: UnsafeMutableBufferPointer<UInt8>,
        _ count: inout Int
    ) {
        var length = digits
        var rest = number
        for _ in 0..<digits { rest /= 10 }
        while rest > 0 {
            length += 1
            rest /= 10
        }
        rest = number
        for place in stride(from: count + length - 1, through: count, by: -1) {
            text[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        text[count + length] = UInt8(ascii: separator)
        count += length + 1
    }

    /// Year, month 1…12 and day 1…31 of the Gregorian calendar.
    ///
    /// Years are counted from 1 March, so that the leap day is the last of its year and months have a fixed rhythm of
    /// 153 days in five.
    private static func date(daysSince1970 days: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        // 719,468 days lie between 0000-03-01 and 1970-01-01; 146,097 days are 400 years.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
