internal import CShims

/// The memory of this process.
public enum ProcessMemory {
    /// For a process that stays, before it has threads.
    ///
    /// A launch keeps some MiB at the end of each heap, which malloc_trim(3) leaves there: in each of the many arenas of a server's
    /// threads these would stay for ever once they were used. Now less than a MiB stays, in four of them (mallopt(3)).
    public static func prepareToLast() { cs_lasting_heap() }

    /// Gives what was freed, and the allocator keeps, back to the kernel; threads that allocate meanwhile wait for some milliseconds.
    public static func giveBack() { cs_return_memory() }

    /// What is allocated and not freed, in bytes (mallinfo2(3)); the same threads wait for some microseconds.
    public static var inUse: Int { Int(clamping: cs_memory_in_use()) }
}
