internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// A workspace's file of records, open for reading, as it was at a moment when no writer held the lock.
struct SettledRecords: ~Copyable {
    let descriptor: OwnedFileDescriptor
    let path: OSString
    /// What is appended later is not looked at.
    let length: Int64

    /// Opens the file; nil without one.
    static func open(_ location: EvidenceLocation) throws(EvidenceError) -> SettledRecords? {
        guard let state = try EvidenceFolder.state(location.stateFolder, make: false),
            let evidence = try state.folder(EvidenceLocation.folderName, make: false),
            let workspace = try evidence.folder(OSString(location.workspaceID), make: false)
        else { return nil }
        let path = location.records
        let number = EvidenceLocation.fileName.withCString {
            openat(workspace.descriptor.number, $0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        }
        let code = errno
        if number < 0 && code == ENOENT { return nil }
        guard number >= 0 else { throw failure("open the file of records", path, "openat", code) }
        let descriptor = OwnedFileDescriptor(owning: number)
        let length = try settledLength(of: descriptor.number, path)
        return SettledRecords(descriptor: descriptor, path: path, length: length)
    }

    /// The lines, the last one first.
    consuming func linesBackwards() -> LinesBackwards {
        LinesBackwards(descriptor, path: path, length: length)
    }

    /// The lines in their order.
    consuming func linesForwards() -> LinesForwards {
        LinesForwards(descriptor, path: path, length: length)
    }

    private static func settledLength(of descriptor: Int32, _ path: OSString) throws(EvidenceError) -> Int64 {
        let locked = flock(descriptor, LOCK_SH)
        let lockCode = errno
        guard locked == 0 else { throw failure("lock", path, "flock", lockCode) }
        defer { _ = flock(descriptor, LOCK_UN) }
        let status = try OwnedByUs.check(descriptor, path, remedy: "look at who wrote to it")
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw EvidenceError(
                action: "read",
                subject: path,
                cause: "it is no regular file",
                remedy: "look at who put it there"
            )
        }
        return Int64(status.st_size)
    }

    private static func failure(_ action: String, _ path: OSString, _ call: String, _ code: Int32) -> EvidenceError {
        EvidenceError(action: action, subject: path, call: call, errno: code, remedy: "see the folder's owner and mode")
    }
}
