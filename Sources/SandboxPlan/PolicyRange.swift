/// The range of every number in a policy.
///
/// A policy file, a command-line flag and a cached policy are all held to these.
public enum PolicyRange {
    /// Processes and threads together; the kernel counts pid 1 of the place too, so that 1 leaves none for the command.
    public static var tasks: ClosedRange<UInt64> { 2...1_000_000 }
    /// Why the least is what it is.
    public static let tasksReason = "pid 1 of the sandbox counts too"
    /// Bytes; below 16 MiB no worker starts.
    public static var memory: ClosedRange<UInt64> { 1 << 24...UInt64(Int64.max) }
    /// Bytes, 0 meaning nowhere; what is less than a worker needs to start would only be waited for.
    public static var memoryHigh: ClosedRange<UInt64> { memory }
    /// Open files of one process.
    public static var openFiles: ClosedRange<UInt64> { 16...1_048_576 }
    /// Bytes of one file.
    public static var fileSize: ClosedRange<UInt64> { 1...UInt64(Int64.max) }
    /// Bytes of one private tmpfs.
    public static var tmpSize: ClosedRange<UInt64> { 1 << 16...UInt64(Int64.max) }
    /// Inodes of one private tmpfs.
    public static var tmpInodes: ClosedRange<UInt64> { 16...1_000_000_000 }
    /// Seconds of CPU time, 0 meaning no limit; at most ten years.
    public static var cpuSeconds: ClosedRange<UInt64> { 0...315_360_000 }
    /// Thousandths of a processor, 0 meaning no limit; cpu.max takes no less than a millisecond of 100.
    public static var cpuThousandths: ClosedRange<UInt64> { 10...1_000_000 }
    /// Bytes in the workspace, 0 meaning no limit; nothing smaller is measured well (docs/policy.md).
    public static var workspace: ClosedRange<UInt64> { 1 << 20...UInt64(Int64.max) }
    /// Bytes of output, 0 meaning no limit.
    public static var output: ClosedRange<UInt64> { 1...UInt64(Int64.max) }
    /// The same in words.
    public static let cpusWords = "0.01 to 1000"
    /// Milliseconds of wall-clock time; at most ten years.
    public static var wall: ClosedRange<UInt64> { 1...315_360_000_000 }
    /// Milliseconds from TERM to KILL; 0 means KILL at once.
    public static var grace: ClosedRange<UInt64> { 0...3_600_000 }
    /// Landlock ABI versions that exist or may: an unknown one can only be refused by the running kernel.
    public static var landlockABI: ClosedRange<UInt32> { 1...99 }
    /// Of the worker, which owns what it makes: a mask that took the owner's own rights would leave it nothing to use.
    public static var umask: ClosedRange<UInt32> { 0...0o077 }
    /// Bytes of a host name (sethostname(2), HOST_NAME_MAX).
    public static var hostname: ClosedRange<Int> { 1...64 }
    /// Entries of one list: each path is a mount at every launch.
    public static var listLength: ClosedRange<Int> { 0...256 }
    /// Policies that one may build on, one by `extends` of the other.
    public static var extendsDepth: Int { 8 }
    /// Entries of a list together with those of what it builds on, the defaults among them.
    public static var joinedLength: ClosedRange<Int> { 0...1024 }
    /// Missing names that are covered.
    public static var coverMissing: ClosedRange<Int> { 0...4 }
    /// Bytes of a path, without the terminating NUL (PATH_MAX).
    public static var pathLength: ClosedRange<Int> { 1...4095 }
}

/// The ranges in words, as messages of files and of flags say them.
extension PolicyRange {
    /// `16 MiB to 8 EiB - 1`.
    public static func words(bytes range: ClosedRange<UInt64>) -> String {
        // 2^63 - 1, where the kernel's signed sizes end, is no whole number of any unit.
        let most = range.upperBound == UInt64(Int64.max) ? "8 EiB - 1" : "\(ByteCount(bytes: range.upperBound))"
        return "\(ByteCount(bytes: range.lowerBound)) to \(most)"
    }

    /// `1 ms to 10 years`, of milliseconds.
    public static func words(milliseconds range: ClosedRange<UInt64>) -> String {
        let year: UInt64 = 365 * 86_400_000
        let least = range.lowerBound == 0 ? "0" : "\(TimeSpan(milliseconds: range.lowerBound))"
        let most =
            range.upperBound % year == 0
            ? "\(range.upperBound / year) years" : "\(TimeSpan(milliseconds: range.upperBound))"
        return "\(least) to \(most)"
    }

    /// CPU time in milliseconds, as it is written; it is counted in whole seconds (RLIMIT_CPU, setrlimit(2)).
    public static var cpuMilliseconds: ClosedRange<UInt64> {
        cpuSeconds.lowerBound * 1000...cpuSeconds.upperBound * 1000
    }
}

extension ByteCount {
    /// Reads what `init(parsing:)` reads; nil for what is out of the range, in bytes.
    public init?(parsing text: String, in range: ClosedRange<UInt64>) {
        guard let size = ByteCount(parsing: text), range.contains(size.bytes) else { return nil }
        self = size
    }
}

extension TimeSpan {
    /// Reads what `init(parsing:)` reads, and a zero if the range, in milliseconds, has it; nil for what is out of it.
    public init?(parsing text: String, in range: ClosedRange<UInt64>) {
        // `init(parsing:)` reads no zero: for most limits it would be a mistake.
        let isZero = ["0", "0ms", "0s", "0m", "0h", "0d"].contains(text)
        guard let span = isZero ? TimeSpan(milliseconds: 0) : TimeSpan(parsing: text), range.contains(span.milliseconds)
        else { return nil }
        self = span
    }
}
