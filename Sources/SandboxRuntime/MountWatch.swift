internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Watches a place's mount table: poll(2) reports POLLPRI on mountinfo when it changes (proc_pid_mounts(5)).
///
/// Opened before the table is compared with the plan, so that no change falls in between.
struct MountWatch: ~Copyable {
    let file: OwnedFileDescriptor
    /// The table as it was when the watch began.
    let text: [UInt8]
    private let pid: Int32

    init(_ files: borrowing ProcessFiles) throws(Refusal) {
        let opened = try files.open("mountinfo", flags: UInt64(O_RDONLY))
        text = try MountWatch.read(opened, files.pid)
        file = opened
        pid = files.pid
    }

    /// The table from its beginning.
    private static func read(_ file: borrowing OwnedFileDescriptor, _ pid: Int32) throws(Refusal) -> [UInt8] {
        do throws(SyscallError) {
            return try FileReading.readAgain(file, named: "mountinfo", limit: 8 << 20)
        } catch { throw ProcessFiles.refusal(pid, "mountinfo", error) }
    }

    /// Whether the kernel reports a change since the last look: poll(2) costs a hundredth of reading the table again.
    var isQuiet: Bool {
        var watched = pollfd(fd: file.number, events: Int16(POLLPRI), revents: 0)
        return poll(&watched, 1, 0) == 0
    }

    /// What is different now, in words; nil when the table is what it was.
    func change() throws(Refusal) -> String? {
        let now = try MountWatch.read(file, pid)
        if MountWatch.same(now, text) { return nil }
        guard let before = MountTable(parsing: text), let after = MountTable(parsing: now) else {
            return "the mount table"
        }
        for entry in before.entries where !after.entries.contains(entry) { return entry.target.description }
        for entry in after.entries where !before.entries.contains(entry) { return entry.target.description }
        return "the order of mounts"
    }

    private static func same(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        let count = left.count
        guard count == right.count else { return false }
        return left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return true }
                return memcmp(left, right, count) == 0
            }
        }
    }
}
