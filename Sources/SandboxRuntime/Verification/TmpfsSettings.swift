internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// What a tmpfs of the place may hold, as the kernel shows it (tmpfs(5)).
enum TmpfsSettings {
    /// In the words of an observation.
    static func text(_ size: ByteCount, _ inodes: UInt64, _ mode: UInt32) -> String {
        "tmpfs size=\(kibibytes(size))k,nr_inodes=\(inodes),mode=\(String(mode, radix: 8))"
    }

    /// Whether all three are as planned.
    ///
    /// What is the kernel's default is not shown: half of the memory, in pages, as size and as
    /// count of inodes, and mode 1777.
    static func agree(_ entry: MountEntry, _ size: ByteCount, _ inodes: UInt64, _ mode: UInt32) -> Bool {
        let pages = UInt64(max(cs_memory_total(), 0)) / pageSize / 2
        let most = entry.setting("size=").map { $0 == OSString("\(kibibytes(size))k") }
        let files = entry.setting("nr_inodes=").map { $0 == OSString("\(inodes)") }
        let rights = entry.setting("mode=").map { $0 == OSString(octal(mode)) }
        return (most ?? (kibibytes(size) << 10 == pages * pageSize)) && (files ?? (inodes == pages))
            && (rights ?? (mode == 0o1777))
    }

    private static var pageSize: UInt64 { UInt64(max(getpagesize(), 1)) }

    /// Whole pages.
    private static func kibibytes(_ size: ByteCount) -> UInt64 {
        (size.bytes + pageSize - 1) / pageSize * pageSize >> 10
    }

    /// At least three digits (shmem_show_options in the kernel).
    private static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 3 - digits.utf8.count)) + digits
    }
}
