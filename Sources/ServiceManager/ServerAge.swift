/// Whether a process has read files as they are now, by its start and the times of change; all in milliseconds.
public enum ServerAge {
    /// The clocks of files and of processes have steps of up to 10 ms each.
    private static let step: Int64 = 20
    private static let second: Int64 = 1000
    private static let mostSeconds = Int64(1) << 48

    /// - Parameters:
    ///   - started: when the process began.
    ///   - written: when the files were changed, in whole seconds and nanoseconds.
    ///   - now: the time of day. What was changed later than that says nothing: the clock was set, and a new process would not be
    ///     younger either.
    /// - Returns: whether one was changed since; where it may have been as well, too.
    public static func isBehind(
        started: Int64,
        written: [(seconds: Int64, nanoseconds: Int64)],
        now: Int64
    ) -> Bool {
        written.contains { time in
            // A file may say any number; so late is no time of day, and so early is before every process.
            guard -mostSeconds...mostSeconds ~= time.seconds else { return false }
            let changed = time.seconds * second + time.nanoseconds / 1_000_000
            // Whole seconds are of a file system that has no others: it was at some time within that one.
            return changed <= now && changed + (time.nanoseconds == 0 ? second : step) >= started
        }
    }

    /// The start of a process, since the machine's, in ticks: the 22nd field of its `stat` (proc(5)), behind the name of the
    /// program, which is in parentheses and may have anything in it; nil where there is none.
    public static func startTicks(_ stat: String) -> Int64? {
        guard let end = stat.utf8.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[stat.utf8.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? Int64(fields[19]) : nil
    }
}
