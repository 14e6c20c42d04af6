extension StoredTime {
    /// As the database has it, always with six digits of a fraction: `2025-11-14 17:14:05.123456`.
    ///
    /// A moment outside `range` reads as its nearer end, here and in `iso`.
    public var text: String { written(separator: UInt8(ascii: " "), fractionAlways: true) }

    /// As the API has it, `2025-11-14T17:14:05.123456`, without a fraction if that is 0.
    public var iso: String { written(separator: UInt8(ascii: "T"), fractionAlways: false) }

    /// Reads `text` and `iso`, with one to six digits of a fraction or none.
    ///
    /// Anything else is nil, a date that no calendar has included.
    public init?(text: String) {
        var text = text
        guard let microseconds = text.withUTF8({ StoredTime.parsed($0) }) else { return nil }
        self.init(microseconds: microseconds)
    }

    // MARK: - Writing

    private func written(separator: UInt8, fractionAlways: Bool) -> String {
        let clamped = min(max(microseconds, StoredTime.range.lowerBound), StoredTime.range.upperBound)
        let seconds = clamped / 1_000_000
        let fraction = clamped % 1_000_000
        let date = StoredTime.date(day: seconds / 86_400)
        let second = seconds % 86_400
        let hasFraction = fractionAlways || fraction != 0
        return String(unsafeUninitializedCapacity: 26) { buffer in
            var end = 0
            func put(_ number: Int64, digits: Int) {
                var rest = number
                for place in stride(from: end + digits - 1, through: end, by: -1) {
                    buffer[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                    rest /= 10
                }
                end += digits
            }
            func put(_ byte: UInt8) {
                buffer[end] = byte
                end += 1
            }
            put(date.year, digits: 4)
            put(UInt8(ascii: "-"))
            put(date.month, digits: 2)
            put(UInt8(ascii: "-"))
            put(date.day, digits: 2)
            put(separator)
            put(second / 3600, digits: 2)
            put(UInt8(ascii: ":"))
            put(second / 60 % 60, digits: 2)
            put(UInt8(ascii: ":"))
            put(second % 60, digits: 2)
            if hasFraction {
                put(UInt8(ascii: "."))
                put(fraction, digits: 6)
            }
            return end
        }
    }

    // MARK: - Reading

    private static func parsed(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard bytes.count == 19 || (21...26).contains(bytes.count) else { return nil }
        func number(_ places: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for place in places {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[place]) else { return nil }
                value = value * 10 + Int64(bytes[place] - UInt8(ascii: "0"))
            }
            return value
        }
        guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: " ") || bytes[10] == UInt8(ascii: "T"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            year >= 1970, (1...12).contains(month), day >= 1, day <= days(inMonth: month, of: year),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var fraction: Int64 = 0
        if bytes.count > 19 {
            guard bytes[19] == UInt8(ascii: "."), let digits = number(20..<bytes.count) else { return nil }
            fraction = digits
            for _ in bytes.count..<26 { fraction *= 10 }
        }
        let seconds = self.day(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second
        return seconds * 1_000_000 + fraction
    }

    // MARK: - The calendar

    private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    // Days are counted in years that begin in March, so that the leap day is a year's last: then a month's first day is a
    // linear function of the month, and 400 years have 146,097 days. Day 719,468 of that count is 1970-01-01.

    private static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month > 2 ? year : year - 1
        let marchMonth = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
        return marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear - 719_468
    }

    private static func date(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}
