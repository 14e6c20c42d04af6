internal import Glibc

/// Which process supervises the launch: a reader can tell a launch that goes on from one that was cut off.
///
/// Process numbers are given out again. A process with this number is the supervisor if the machine has not been booted since
/// and the process existed already at the recorded moment.
public struct SupervisorFacts: Hashable, Sendable {
    public var pid: Int32
    /// When the machine was booted: the wall clock less the time since boot, so a set clock moves it.
    public var bootedAt: Timestamp
    /// When this was noted, in milliseconds since boot, sleep included (clock_gettime(2), CLOCK_BOOTTIME).
    public var bootMilliseconds: UInt64

    public init(pid: Int32, bootedAt: Timestamp, bootMilliseconds: UInt64) {
        self.pid = pid
        self.bootedAt = bootedAt
        self.bootMilliseconds = bootMilliseconds
    }

    /// This process, now.
    public static var current: SupervisorFacts {
        var time = timespec()
        // Fails only for a clock that does not exist; Linux has it since 2.6.39.
        let result = clock_gettime(CLOCK_BOOTTIME, &time)
        precondition(result == 0, "no boot-time clock")
        let sinceBoot = UInt64(max(0, time.tv_sec)) * 1_000_000 + UInt64(time.tv_nsec) / 1000
        let now = Timestamp.now.microseconds
        return SupervisorFacts(
            pid: getpid(),
            bootedAt: Timestamp(microseconds: now > sinceBoot ? now - sinceBoot : 0),
            bootMilliseconds: sinceBoot / 1000
        )
    }
}

extension JSONWriter {
    mutating func supervisor(_ supervisor: SupervisorFacts) {
        object { json in
            json.member("bootMilliseconds", quantity: supervisor.bootMilliseconds)
            json.member("bootedAtMicroseconds", quantity: supervisor.bootedAt.microseconds)
            json.member("pid", integer: supervisor.pid)
        }
    }
}
