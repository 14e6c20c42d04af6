internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Opens the folders of records one by one, by descriptor, and trusts none that somebody else could have touched.
///
/// Each folder from the state folder down must belong to the effective user, be writable by nobody else and be no link. What
/// is above the state folder is the caller's choice of place: it is opened as the path says.
struct EvidenceFolder: ~Copyable {
    let descriptor: OwnedFileDescriptor
    let path: OSString

    static let remedy = "name another folder with --state-dir DIR"

    /// The state folder, made with everything above it if it is missing and `make` is said.
    ///
    /// - Returns: nil when it does not exist and is not to be made.
    static func state(_ path: OSString, make: Bool) throws(EvidenceError) -> EvidenceFolder? {
        if let found = try open(path, below: AT_FDCWD, path: path) { return found }
        guard make else { return nil }
        try makeParents(of: path)
        try makeFolder(path, below: AT_FDCWD, path: path)
        return try open(path, below: AT_FDCWD, path: path)
    }

    /// The folder `name` in this one.
    ///
    /// - Returns: nil when it does not exist and is not to be made.
    borrowing func folder(_ name: OSString, make: Bool) throws(EvidenceError) -> EvidenceFolder? {
        let path = self.path.appending(name)
        if let found = try EvidenceFolder.open(name, below: descriptor.number, path: path) { return found }
        guard make else { return nil }
        try EvidenceFolder.makeFolder(name, below: descriptor.number, path: path)
        return try EvidenceFolder.open(name, below: descriptor.number, path: path)
    }

    /// The folder of a workspace's records.
    ///
    /// - Returns: nil when it does not exist and is not to be made.
    static func workspace(_ location: EvidenceLocation, make: Bool) throws(EvidenceError) -> EvidenceFolder? {
        guard let state = try state(location.stateFolder, make: make),
            let evidence = try state.folder(EvidenceLocation.folderName, make: make)
        else { return nil }
        return try evidence.folder(OSString(location.workspaceID), make: make)
    }

    private static func makeParents(of path: OSString) throws(EvidenceError) {
        var parent: OSString = "/"
        for name in path.parent.components {
            parent = parent.appending(name)
            try makeFolder(parent, below: AT_FDCWD, path: parent)
        }
    }

    /// Mode 0700, as the XDG specification wants it; that somebody else was faster is no error.
    private static func makeFolder(_ name: OSString, below folder: Int32, path: OSString) throws(EvidenceError) {
        let result = name.withCString { mkdirat(folder, $0, 0o700) }
        let code = errno
        if result == 0 || code == EEXIST { return }
        throw EvidenceError(action: "make the folder", subject: path, call: "mkdirat", errno: code, remedy: remedy)
    }

    private static func open(_ name: OSString, below folder: Int32, path: OSString) throws(EvidenceError)
        -> EvidenceFolder?
    {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let number = name.withCString { openat(folder, $0, flags) }
        let code = errno
        guard number >= 0 else {
            if code == ENOENT { return nil }
            // A link answers ENOTDIR when O_DIRECTORY and O_NOFOLLOW come together (open(2)).
            let cause = code == ENOTDIR || code == ELOOP ? "it is no folder, or a link" : ""
            throw EvidenceError(
                action: "open the folder of records",
                subject: path,
                call: "openat",
                errno: code,
                cause: cause,
                remedy: remedy
            )
        }
        let descriptor = OwnedFileDescriptor(owning: number)
        try OwnedByUs.check(descriptor.number, path, remedy: remedy)
        return EvidenceFolder(descriptor: descriptor, path: path)
    }
}

/// Whether an open file or folder belongs to the effective user and nobody else can write to it.
enum OwnedByUs {
    @discardableResult
    static func check(_ descriptor: Int32, _ path: OSString, remedy: String) throws(EvidenceError) -> stat {
        var status = stat()
        let result = fstat(descriptor, &status)
        let code = errno
        guard result == 0 else {
            throw EvidenceError(
                action: "look at",
                subject: path,
                call: "fstat",
                errno: code,
                remedy: remedy
            )
        }
        guard status.st_uid == geteuid() else {
            throw EvidenceError(
                action: "keep records in",
                subject: path,
                cause: "it belongs to uid \(status.st_uid), and this process is uid \(geteuid())",
                remedy: remedy
            )
        }
        guard status.st_mode & 0o022 == 0 else {
            throw EvidenceError(
                action: "keep records in",
                subject: path,
                cause: "others may write to it (mode \(String(status.st_mode & 0o7777, radix: 8)))",
                remedy: "chmod go-w \(path), after a look at what is in it"
            )
        }
        return status
    }
}
