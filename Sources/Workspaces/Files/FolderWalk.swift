internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Goes through a project's folder, whatever is done to it meanwhile: no link is followed, and everything has a bound.
///
/// Each folder is opened from the project's own by its path, one at a time, so that deep and wide trees take neither
/// descriptors nor stack. What vanishes or is exchanged on the way is left out.
struct FolderWalk {
    struct Bounds: Sendable {
        /// Of every kind.
        var entries = 100_000
        /// Of all paths together.
        var pathBytes = 32 << 20
        /// Folders in folders.
        var depth = 256
        var nanoseconds: Int64 = 20_000_000_000
    }

    struct Entry: Sendable {
        /// From the project's folder.
        var path: OSString
        var facts: FileFacts
        /// Which of the folders it lies in, in the order they were entered.
        var folder: Int
        /// Where its name begins in the path.
        var nameStart: Int
    }

    /// A folder as it was just before it was read.
    final class HeldFolder: Sendable {
        let descriptor: OwnedFileDescriptor
        let facts: FileFacts

        init(_ descriptor: consuming OwnedFileDescriptor, _ facts: FileFacts) {
            self.descriptor = descriptor
            self.facts = facts
        }
    }

    private(set) var entries: [Entry] = []
    /// Folders that could not be opened: their modes forbid it.
    private(set) var closed: [OSString] = []
    /// Folders that are deeper than is looked at; what is beside them is looked at all the same.
    private(set) var tooDeep: [OSString] = []
    /// Whether a bound was reached at which the rest is not looked at.
    private(set) var isCut = false
    /// All folders, open, if they were to be held and are not too many.
    private(set) var held: [HeldFolder]?

    private let bounds: Bounds
    private let end: Int64
    private var pathBytes = 0

    /// - Parameters:
    ///   - folder: any descriptor of it.
    ///   - bounds: where it stops.
    ///   - holds: how many folders are left open at most.
    ///   - leavesOut: paths that are not looked into or told of.
    /// - Throws: `WorkspaceError` where the kernel cannot go on: descriptors, memory, a broken disk.
    init(_ folder: Int32, _ bounds: Bounds, holds: Int = 0, leavesOut: (OSString) -> Bool = { _ in false })
        throws(WorkspaceError)
    {
        self.bounds = bounds
        end = cs_monotonic() &+ bounds.nanoseconds
        // Broad first: a deep tree must not use up what others need.
        var open: [(path: OSString, depth: Int)] = [("", 0)]
        var index = 0
        if holds > 0 { held = [] }
        var entered = 0
        while index < open.count, !isCut {
            let next = open[index]
            index += 1
            guard let number = try enter(next.path, folder) else { continue }
            let before = entries.count
            if held != nil { try hold(number.number, next.path, holds) }
            try look(number.number, next.path, entered, leavesOut)
            entered += 1
            for entry in entries[before...] where entry.facts.kind == .folder {
                if next.depth + 1 < bounds.depth {
                    open.append((entry.path, next.depth + 1))
                } else {
                    tooDeep.append(entry.path)
                }
            }
        }
        entries.sort { $0.path < $1.path }
    }

    private mutating func enter(_ path: OSString, _ folder: Int32) throws(WorkspaceError) -> OwnedFileDescriptor? {
        let name: OSString = path.isEmpty ? "." : path
        let number = Beneath.open(name, below: folder, Beneath.readFolder, Beneath.withoutLinks)
        if number >= 0 { return OwnedFileDescriptor(owning: Int32(number)) }
        switch Int32(-number) {
        case ENOENT, ENOTDIR, ELOOP, EXDEV: return nil
        case EACCES, EPERM: closed.append(path)
        // Deeper than a path is long; or renamed around without an end.
        case ENAMETOOLONG, EAGAIN: tooDeep.append(path)
        default: throw WorkspaceError("openat2", on: path, number)
        }
        return nil
    }

    /// Keeps another descriptor of a folder that is about to be read, or gives all up if there are too many.
    private mutating func hold(_ number: Int32, _ folder: OSString, _ most: Int) throws(WorkspaceError) {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw WorkspaceError("fcntl", on: folder, Int(-errno)) }
        let descriptor = OwnedFileDescriptor(owning: copy)
        let (facts, result) = FileFacts.of(copy)
        guard let facts else { throw WorkspaceError("statx", on: folder, result) }
        if let count = held?.count, count < most {
            held?.append(HeldFolder(descriptor, facts))
        } else {
            held = nil
        }
    }

    private mutating func look(
        _ number: Int32,
        _ folder: OSString,
        _ place: Int,
        _ leavesOut: (OSString) -> Bool
    ) throws(WorkspaceError) {
        do throws(SyscallError) {
            try withoutActuallyEscaping(leavesOut) { (leavesOut) throws(SyscallError) in
                try FolderEntries.each(in: number, named: folder) { (entry) throws(SyscallError) in
                    try note(entry, number, folder, place, leavesOut)
                }
            }
        } catch {
            // A folder that was removed while it is open is an empty one.
            if error.errno != ENOENT { throw WorkspaceError(error.call, on: folder, Int(-error.errno)) }
        }
    }

    /// Says whether to go on.
    private mutating func note(
        _ entry: FolderEntries.Entry,
        _ number: Int32,
        _ folder: OSString,
        _ place: Int,
        _ leavesOut: (OSString) -> Bool
    ) throws(SyscallError) -> Bool {
        let path = folder.appending(entry.copy)
        if leavesOut(path) { return true }
        if entries.count >= bounds.entries || pathBytes + path.bytes.count > bounds.pathBytes
            || (entries.count & 0xFF == 0xFF && cs_monotonic() > end)
        {
            isCut = true
            return false
        }
        var found = cs_identity()
        let result = cs_identify(number, entry.name, &found)
        switch Int32(-result) {
        case 0: break
        case ENOENT: return true
        // A folder that can be listed and not searched.
        case EACCES, EPERM:
            if closed.last != folder { closed.append(folder) }
            return true
        default: throw SyscallError(call: "statx", subject: path.description, errno: Int32(-result))
        }
        let start = folder.isEmpty ? 0 : folder.bytes.count + 1
        entries.append(Entry(path: path, facts: FileFacts(found), folder: place, nameStart: start))
        pathBytes += path.bytes.count
        return true
    }
}
