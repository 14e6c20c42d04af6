internal import SandboxKernel
internal import SandboxPlan

/// Tells whether a recorded supervisor is still there, from what `/proc` says now.
struct RunningHost {
    var now = SupervisorFacts.current
    var proc: OSString = "/proc"

    /// Two readings of one boot differ by what the clock was set meanwhile; two boots by the time that the first one lasted.
    private static let bootTolerance: UInt64 = 30_000_000

    /// Ticks a second in `/proc/PID/stat`: USER_HZ, which is 100 on every architecture we build for (time(7)).
    private static let ticksPerSecond: UInt64 = 100

    /// Whether the supervisor that a start record names runs on this machine since the same boot.
    ///
    /// What cannot be read counts as not running: a launch is called `running` only on evidence.
    func isRunning(_ start: JSONValue) -> Bool {
        let supervisor = start["predicate"]?["supervisor"]
        guard let pid = supervisor?["pid"]?.integer, pid > 0,
            let noted = supervisor?["bootMilliseconds"]?.integer, noted >= 0,
            let booted = supervisor?["bootedAtMicroseconds"]?.integer, booted >= 0,
            UInt64(booted).distance(from: now.bootedAt.microseconds) <= RunningHost.bootTolerance,
            let began = beganAt(OSString("\(pid)"))
        else { return false }
        return began <= UInt64(noted)
    }

    /// When a process began, in milliseconds since boot; nil for one that is not there, or waits to be reaped.
    func beganAt(_ process: OSString) -> UInt64? {
        guard let ticks = startTicks(process.appending("stat")) else { return nil }
        let (milliseconds, overflow) = ticks.multipliedReportingOverflow(by: 1000 / RunningHost.ticksPerSecond)
        return overflow ? nil : milliseconds
    }

    /// Field 22 of `/proc/PID/stat` (proc(5)), nil for a process that has ended and waits to be reaped.
    ///
    /// The name in field 2 may hold spaces and parentheses; the state is field 3.
    private func startTicks(_ name: OSString) -> UInt64? {
        let contents: [UInt8]
        do throws(SyscallError) {
            contents = try FileReading.read(proc.appending(name), limit: 64 << 10)
        } catch {
            return nil
        }
        guard let end = contents.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = contents[(end + 1)...].split(separator: UInt8(ascii: " "))
        let hasEnded = fields.first == [UInt8(ascii: "Z")] || fields.first == [UInt8(ascii: "X")]
        guard !hasEnded else { return nil }
        return fields.count > 19 ? UInt64(String(decoding: fields[19], as: UTF8.self)) : nil
    }
}

extension UInt64 {
    fileprivate func distance(from other: UInt64) -> UInt64 {
        self > other ? self - other : other - self
    }
}
