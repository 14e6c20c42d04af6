import Glibc

/// Whether the wall clock goes on as fast as the one that nobody sets (CLOCK_BOOTTIME): ages are counted by the former.
struct ClockCheck {
    /// Wall clock less time since the boot, in seconds.
    private var offset: Double
    private let read: () -> Double

    /// What NTP corrects in an interval, or a leap second does, is less.
    static let tolerance = 60.0

    /// - Parameter read: tells the difference of the clocks, for tests.
    init(_ read: @escaping () -> Double = ClockCheck.difference) {
        self.read = read
        offset = read()
    }

    /// How far the wall clock was set since the last question, in seconds; 0 where it was not.
    mutating func jump() -> Double {
        let now = read()
        defer { offset = now }
        let jump = now - offset
        return abs(jump) > ClockCheck.tolerance ? jump : 0
    }

    static func difference() -> Double { seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME) }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        let result = clock_gettime(clock, &time)
        precondition(result == 0, "no such clock")
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
    }
}
