/// The range of every number in a policy.
///
/// A policy file, a command-line flag and a cached policy are all held to these.
public enum PolicyRange {
    /// Processes and threads together.
    public static var tasks: ClosedRange<UInt64> { 1...1_000_000 }
    /// Bytes; below 16 MiB no worker starts.
    public static var memory: ClosedRange<UInt64> { 1 << 24...UInt64(Int64.max) }
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
    /// Milliseconds of wall-clock time; at most ten years.
    public static var wall: ClosedRange<UInt64> { 1...315_360_000_000 }
    /// Milliseconds from TERM to KILL; 0 means KILL at once.
    public static var grace: ClosedRange<UInt64> { 0...3_600_000 }
    /// Landlock ABI versions that exist or may: an unknown one can only be refused by the running kernel.
    public static var landlockABI: ClosedRange<UInt32> { 1...99 }
    public static var umask: ClosedRange<UInt32> { 0...0o777 }
    /// Bytes of a host name (sethostname(2), HOST_NAME_MAX).
    public static var hostname: ClosedRange<Int> { 1...64 }
    /// Entries of one list: each path is a mount at every launch.
    public static var listLength: ClosedRange<Int> { 0...256 }
    /// Missing names that are covered.
    public static var coverMissing: ClosedRange<Int> { 0...4 }
    /// Bytes of a path, without the terminating NUL (PATH_MAX).
    public static var pathLength: ClosedRange<Int> { 1...4095 }
}
