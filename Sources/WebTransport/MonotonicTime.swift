import Glibc

/// Nanoseconds of CLOCK_MONOTONIC_COARSE (clock_gettime(2)): a few milliseconds rough, and nearly free.
enum MonotonicTime {
    static let never = UInt64.max

    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Saturates at `never`; negative or no numbers count as 0.
    static func after(_ seconds: Double) -> UInt64 {
        let nanoseconds = seconds * 1e9
        guard nanoseconds > 0 else { return now() }
        guard nanoseconds < 9e18 else { return never }
        return now() + UInt64(nanoseconds)
    }
}
