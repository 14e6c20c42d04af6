internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// A workspace's file of records, open for reading, as it was at a moment when no writer held the lock.
struct SettledRecords: ~Copyable {
    let descriptor: OwnedFileDescriptor
    let path: OSString
    /// What is appended later is not looked at.
    let length: Int64
    let inode: UInt64

    /// Opens the file of records; nil without one.
    static func open(_ location: EvidenceLocation) throws(EvidenceError) -> SettledRecords? {
        try open(EvidenceLocation.fileName, location)
    }

    /// Opens the file of signatures; nil without one.
    static func openSignatures(_ location: EvidenceLocation) throws(EvidenceError) -> SettledRecords? {
        try open(EvidenceLocation.signaturesName, location)
    }

    /// Opens a file that somebody names: a copy.
    static func open(copy path: OSString) throws(EvidenceError) -> SettledRecords {
        let number = path.withCString { Glibc.open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
        let code = errno
        guard number >= 0 else { throw failure("open", path, "open", code) }
        let descriptor = OwnedFileDescriptor(owning: number)
        return try settled(descriptor, path, isOurs: false)
    }

    private static func open(
        _ name: OSString,
        _ location: EvidenceLocation
    ) throws(EvidenceError) -> SettledRecords? {
        guard let workspace = try EvidenceFolder.workspace(location, make: false) else { return nil }
        let path = location.folder.appending(name)
        let number = name.withCString {
            openat(workspace.descriptor.number, $0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        }
        let code = errno
        if number < 0 && code == ENOENT { return nil }
        guard number >= 0 else { throw failure("open the file of records", path, "openat", code) }
        let descriptor = OwnedFileDescriptor(owning: number)
        return try settled(descriptor, path)
    }

    /// The lines, the last one first.
    consuming func linesBackwards() -> LinesBackwards {
        LinesBackwards(descriptor, path: path, length: length)
    }

    /// The lines, the last one first, by a descriptor of their own.
    func linesBackwardsAgain() throws(EvidenceError) -> LinesBackwards {
        LinesBackwards(try another(), path: path, length: length)
    }

    /// The lines in their order, by a descriptor of their own.
    func linesForwardsAgain() throws(EvidenceError) -> LinesForwards {
        LinesForwards(try another(), path: path, length: length)
    }

    /// Without its newline; nil when the file is empty.
    func firstLine() throws(EvidenceError) -> [UInt8]? {
        var lines = try linesForwardsAgain()
        return try lines.next()?.bytes
    }

    private func another() throws(EvidenceError) -> OwnedFileDescriptor {
        let number = fcntl(descriptor.number, F_DUPFD_CLOEXEC, 3)
        let code = errno
        guard number >= 0 else { throw SettledRecords.failure("open", path, "fcntl", code) }
        return OwnedFileDescriptor(owning: number)
    }

    /// The lines in their order.
    consuming func linesForwards() -> LinesForwards {
        LinesForwards(descriptor, path: path, length: length)
    }

    /// The lines from one that begins at `offset`, in their order.
    consuming func linesForwards(from offset: Int64) -> LinesForwards {
        LinesForwards(descriptor, path: path, length: length, from: offset)
    }

    private static func settled(
        _ file: consuming OwnedFileDescriptor,
        _ path: OSString,
        isOurs: Bool = true
    ) throws(EvidenceError) -> SettledRecords {
        let descriptor = file.number
        try FileLock.share(descriptor, path)
        defer { _ = flock(descriptor, LOCK_UN) }
        var status = stat()
        if isOurs {
            status = try OwnedByUs.check(descriptor, path, remedy: "look at who wrote to it")
        } else {
            let result = fstat(descriptor, &status)
            let code = errno
            guard result == 0 else { throw failure("look at", path, "fstat", code) }
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw EvidenceError(
                action: "read",
                subject: path,
                cause: "it is no regular file",
                remedy: "look at who put it there"
            )
        }
        return SettledRecords(
            descriptor: file,
            path: path,
            length: Int64(status.st_size),
            inode: UInt64(status.st_ino)
        )
    }

    private static func failure(_ action: String, _ path: OSString, _ call: String, _ code: Int32) -> EvidenceError {
        EvidenceError(action: action, subject: path, call: call, errno: code, remedy: "see the folder's owner and mode")
    }
}
