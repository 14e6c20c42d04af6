internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// How many tasks an account has on this host, as RLIMIT_NPROC counts them.
enum AccountTasks {
    /// Of the real user (setrlimit(2): "for the real user ID of the calling process"), threads included.
    ///
    /// - Returns: a number that may be another one by now; processes that `/proc` hides are not in it.
    /// - Throws: `SyscallError` when `/proc` cannot be listed.
    static func count() throws(SyscallError) -> UInt64 {
        var sum: UInt64 = 0
        let folder = try FileReading.open("/proc")
        try FolderEntries.each(in: folder.number, named: "/proc") { (entry) throws(SyscallError) in
            let name = entry.copy
            guard let first = name.bytes.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
                return true
            }
            sum += tasks(of: OSString("/proc").appending(name))
            return true
        }
        return sum
    }

    /// 0 for a process of another account, and for one that has ended meanwhile.
    private static func tasks(of process: OSString) -> UInt64 {
        let status: ProcessStatus
        do throws(SyscallError) {
            status = ProcessStatus(parsing: try FileReading.read(process.appending("status")))
        } catch { return 0 }
        guard status.number("Uid") == UInt64(getuid()) else { return 0 }
        return status.number("Threads") ?? 1
    }
}
