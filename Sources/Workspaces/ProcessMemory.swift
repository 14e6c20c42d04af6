internal import CShims

/// The memory of this process.
public enum ProcessMemory {
    /// Gives what was freed, and the allocator keeps, back to the kernel; threads that allocate meanwhile wait for some milliseconds.
    public static func giveBack() { cs_return_memory() }
}
