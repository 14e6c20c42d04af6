internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Adds up what everything in a folder takes up on its disk, some entries at a time: who counts has other things to see to.
///
/// Blocks, not sizes, as du(1) counts them; each file once, by whatever names. By descriptor, without following a link or
/// entering another mount. Everything counts as a block at least: as many empty files as fit would fill a disk's inodes, and
/// looking through them would never end.
final class FolderSum {
    /// What a file or folder counts at least, in bytes.
    static let least: UInt64 = 4096

    private struct File: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    private(set) var bytes: UInt64 = 0
    /// Folders that could not be looked into: closed to us, or too deep for a path.
    private(set) var closed = 0
    private let top: Int32
    private let mount: UInt64
    private var seen: Set<File> = []
    private var waiting: [OSString] = [""]
    /// Of the paths in it: a job chooses how long they are.
    private var waitingBytes = 64
    private static let mostWaitingBytes = 32 << 20
    private var reader: FolderReader?
    private var path: OSString = ""

    /// - Parameters:
    ///   - top: descriptor of the folder, which its owner keeps open.
    ///   - mount: that it is on (STATX_MNT_ID); 0 where the kernel does not tell.
    init(_ top: Int32, mount: UInt64) {
        self.top = top
        self.mount = mount
    }

    /// Looks at some entries more, and at none when the sum is past `limit` already.
    ///
    /// - Parameters:
    ///   - most: entries.
    ///   - limit: beyond which nobody wants to know more.
    /// - Returns: whether it is done.
    func step(most: Int, limit: UInt64) -> Bool {
        for _ in 0..<most {
            if bytes > limit { return true }
            if reader == nil {
                guard let next = waiting.popLast() else { return true }
                waitingBytes -= next.bytes.count + 64
                open(next)
                continue
            }
            take()
        }
        return false
    }

    private func open(_ next: OSString) {
        let flags = UInt64(O_RDONLY | O_NONBLOCK) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)
        let resolve = UInt64(CS_RESOLVE_BENEATH | CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let name: OSString = next.isEmpty ? "." : next
        let number = name.withPointer { cs_openat2(top, $0, flags, 0, resolve) }
        guard number >= 0 else {
            // Gone, or another thing by now: then it is counted where it went, or not at all.
            let isGone = number == Int(-ENOENT) || number == Int(-ENOTDIR) || number == Int(-ELOOP)
            if !isGone { closed += 1 }
            return
        }
        path = next
        reader = FolderReader(OwnedFileDescriptor(owning: Int32(number)), named: next)
    }

    private func take() {
        guard let reader else { return }
        let entry: FolderEntries.Entry
        do throws(SyscallError) {
            guard let next = try reader.next() else {
                self.reader = nil
                return
            }
            entry = next
        } catch {
            // It was removed while it was read, or its disk has an error: what was not read is not known.
            if error.errno != ENOENT { closed += 1 }
            self.reader = nil
            return
        }
        var found = cs_identity()
        guard cs_identify(reader.folder.number, entry.name, &found) == 0 else { return }
        if found.mount != mount { return }
        if !seen.insert(File(device: found.device, inode: found.inode)).inserted { return }
        bytes = bytes &+ max(found.allocated, FolderSum.least)
        guard found.mode & S_IFMT == S_IFDIR else { return }
        let folder = path.appending(entry.copy)
        guard waitingBytes < FolderSum.mostWaitingBytes else {
            closed += 1
            return
        }
        waitingBytes += folder.bytes.count + 64
        waiting.append(folder)
    }
}
