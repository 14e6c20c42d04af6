internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Adds up files without a name that processes of a place hold open: they take up room that no walk finds.
///
/// What it cannot see: one that is only mapped, that waits in a socket (unix(7), SCM_RIGHTS), or that a process holds whose
/// descriptors are closed to us (prctl(2), PR_SET_DUMPABLE).
enum DeletedFiles {
    /// Processes that are listed, and descriptors that are looked at, in one go: some tens of milliseconds.
    private static let most = 1 << 16

    /// - Parameters:
    ///   - proc: descriptor of the place's `/proc`.
    ///   - members: which processes there are the place's.
    ///   - device: of the file system that counts.
    ///   - most: processes that are listed, and descriptors that are looked at.
    /// - Returns: bytes; nil where there is more to look at than that: then nobody knows.
    static func bytes(
        below proc: Int32,
        of members: PlaceMembers,
        on device: UInt64,
        most: Int = DeletedFiles.most
    ) -> UInt64? {
        var sum: UInt64 = 0
        var left = most
        var seen: Set<UInt64> = []
        var place = members.look(below: proc)
        let processes = names(".", below: proc, most: most + 1)
        guard processes.count <= most else { return nil }
        for process in processes where place.contains(process) {
            let descriptors = process.appending("fd")
            for name in names(descriptors, below: proc, most: left + 1) {
                left -= 1
                if left < 0 { return nil }
                let path = descriptors.appending(name)
                guard isDeleted(path, below: proc) else { continue }
                var found = cs_identity()
                guard path.withPointer({ cs_identify_following(proc, $0, &found) }) == 0, found.device == device,
                    found.links == 0, seen.insert(found.inode).inserted
                else { continue }
                sum &+= found.allocated
            }
        }
        return sum
    }

    private static func isDeleted(_ path: OSString, below proc: Int32) -> Bool {
        do throws(SyscallError) {
            return try FileReading.link(path, below: proc).bytes.reversed().starts(with: " (deleted)".utf8.reversed())
        } catch {
            return false  // closed meanwhile
        }
    }

    /// The numbers in a folder; none of one that is gone, or closed to us.
    private static func names(_ path: OSString, below folder: Int32, most: Int) -> [OSString] {
        let number = path.withPointer { cs_openat2(folder, $0, UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY), 0, 0) }
        guard number >= 0 else { return [] }
        let opened = OwnedFileDescriptor(owning: Int32(number))
        var names: [OSString] = []
        do throws(SyscallError) {
            try FolderEntries.each(in: opened.number, named: path) { (entry) throws(SyscallError) in
                if (0x30...0x39).contains(UInt8(bitPattern: entry.name[0])) { names.append(entry.copy) }
                return names.count < most
            }
        } catch { return names }
        return names
    }
}
