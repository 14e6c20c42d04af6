import Glibc

/// A moment as the results write it: UTC, ISO 8601 with microseconds and `Z`.
struct Timestamp {
    private let fields: tm
    private let microseconds: Int

    static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var fields = tm()
        gmtime_r(&time.tv_sec, &fields)
        return Timestamp(fields: fields, microseconds: time.tv_nsec / 1000)
    }

    /// The day, as `2026-01-31`.
    var date: String {
        "\(padded(Int(fields.tm_year) + 1900, 4))-\(padded(Int(fields.tm_mon) + 1, 2))-\(padded(Int(fields.tm_mday), 2))"
    }

    /// All of it, as `2026-01-31T23:59:59.123456Z`.
    var text: String {
        let time = [fields.tm_hour, fields.tm_min, fields.tm_sec].map { padded(Int($0), 2) }.joined(separator: ":")
        return "\(date)T\(time).\(padded(microseconds, 6))Z"
    }

    private func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
