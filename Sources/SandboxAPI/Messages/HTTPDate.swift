internal import Glibc

/// A date of HTTP (RFC 9110, 5.6.7), in whole seconds.
struct HTTPDate: Hashable, Comparable {
    /// Since 1970-01-01T00:00:00Z.
    var seconds: Int64

    static func < (left: HTTPDate, right: HTTPDate) -> Bool { left.seconds < right.seconds }

    init(seconds: Int64) {
        self.seconds = seconds
    }

    /// By the clock that a file's time of change comes from, which is some milliseconds behind the finer one.
    static var now: HTTPDate {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        return HTTPDate(seconds: Int64(time.tv_sec))
    }

    /// The date of a condition; nil where there is none, more than one, or what is there is no date: it is passed over then.
    init?(_ values: [String]) {
        guard values.count == 1 else { return nil }
        self.init(values[0])
    }

    // MARK: - Text

    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let longDays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `Sun, 06 Nov 1994 08:49:37 GMT`; nil outside of the years 1970 to 9999.
    var text: String? {
        guard (0..<253_402_300_800).contains(seconds) else { return nil }
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(HTTPDate.days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(HTTPDate.months[Int(parts.tm_mon)]) "
            + "\(1_900 + parts.tm_year) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }

    /// Any of the three forms that a recipient has to take; nil for anything else.
    init?(_ text: String) {
        let words = text.split(separator: " ").map { String($0) }
        let (day, month, year, time): (String, String, Int?, String)
        switch words.count {
        case 6:
            guard words[5] == "GMT", HTTPDate.days.contains(where: { $0 + "," == words[0] }), words[1].utf8.count == 2,
                words[3].utf8.count == 4
            else { return nil }
            (day, month, year, time) = (words[1], words[2], HTTPDate.number(words[3]), words[4])
        case 5:
            guard HTTPDate.days.contains(words[0]), words[4].utf8.count == 4, words[2].utf8.count <= 2 else {
                return nil
            }
            (day, month, year, time) = (words[2], words[1], HTTPDate.number(words[4]), words[3])
        case 4:
            let parts = words[1].split(separator: "-", omittingEmptySubsequences: false).map { String($0) }
            guard words[3] == "GMT", HTTPDate.longDays.contains(where: { $0 + "," == words[0] }), parts.count == 3,
                parts[0].utf8.count == 2, parts[2].utf8.count == 2
            else { return nil }
            (day, month, time) = (parts[0], parts[1], words[2])
            year = HTTPDate.number(parts[2]).map(HTTPDate.century)
        default: return nil
        }
        let clock = time.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        guard let year, year >= 1, let month = HTTPDate.months.firstIndex(of: month), let day = HTTPDate.number(day),
            clock.count == 3, clock.allSatisfy({ $0.utf8.count == 2 }), let hour = HTTPDate.number(clock[0]), hour < 24,
            let minute = HTTPDate.number(clock[1]), minute < 60, let second = HTTPDate.number(clock[2]), second <= 60
        else { return nil }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (Int32(year - 1_900), Int32(month), Int32(day))
        (parts.tm_hour, parts.tm_min) = (Int32(hour), Int32(minute))
        // A leap second is the one before it here.
        parts.tm_sec = Int32(min(second, 59))
        let found = timegm(&parts)
        // Another day than was asked for: there is no 31st of that month.
        guard parts.tm_mday == Int32(day), parts.tm_mon == Int32(month) else { return nil }
        seconds = Int64(found)
    }

    private static func number(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }

    /// A year of two digits that would be more than 50 years ahead is the last one that ended so.
    private static func century(_ year: Int) -> Int {
        var time = time_t(now.seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        let this = 1_900 + Int(parts.tm_year)
        let full = this - this % 100 + year
        return full > this + 50 ? full - 100 : full
    }
}
