internal import Glibc

extension LimitPlan {
    /// Limits what the job may write to its streams, where the policy has not limited it to less.
    public mutating func narrowOutput(to most: ByteCount) {
        let least = output.map { min($0, most) } ?? most
        output = least
        guard let index = held.firstIndex(where: { $0.name == .output }) else { return }
        held[index] = HeldLimit(.output, least.description, .watched)
    }

    /// The limits that a job has met, in the order of a policy's keys; whether one of them ended it says the outcome.
    ///
    /// Open files and the size of one file are not among them: the kernel tells the job (EMFILE, EFBIG), and nobody else.
    ///
    /// - Parameters:
    ///   - outcome: how it ended.
    ///   - usage: what it used, where that is known.
    /// - Returns: keys of `[limits]`; none for a job that has met none.
    public func reached(_ outcome: Outcome, _ usage: Usage?) -> [HeldLimit.Name] {
        var reached: [HeldLimit.Name] = []
        if let refused = usage?.cgroup?.tasksRefused, refused > 0 { reached.append(.tasks) }
        switch outcome {
        case .memoryExceeded: reached.append(.memory)
        case .signalled(SIGKILL), .signalled(SIGXCPU):
            if let usage, hasUsedUpProcessorTime(usage.userMicroseconds + usage.systemMicroseconds) {
                reached.append(.cpu)
            }
        case .diskExceeded: reached.append(.workspace)
        case .outputExceeded: reached.append(.output)
        case .timedOut: reached.append(.wall)
        case .exited, .signalled, .protectionLost, .interrupted, .refused, .notExecuted: break
        }
        return reached
    }

    /// Whether a signal can have come from RLIMIT_CPU (setrlimit(2)).
    ///
    /// The kernel holds the limit by the ticks that found the process running (`check_process_timers`), and reports the time that
    /// was measured (`cputime_adjust`). Where others want the processor, too, the ticks that meet a process scatter about their
    /// number by its root: at 100 ticks a second by 0.1 s × √limit. Five times as much is not passed.
    ///
    /// - Parameter microseconds: what the command and its children used, as the kernel reports it.
    /// - Returns: true where it can have come from there; false where no time is limited.
    public func hasUsedUpProcessorTime(_ microseconds: UInt64) -> Bool {
        guard let cpu = rlimits.first(where: { $0.resource == 0 }) else { return false }
        guard cpu.hard < UInt64.max / 1_000_000 else { return false }
        let scatter = 500_000 * Double(cpu.hard).squareRoot()
        return Double(microseconds) + scatter >= Double(cpu.hard) * 1_000_000
    }
}
