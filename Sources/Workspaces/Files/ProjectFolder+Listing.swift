internal import CShims
internal import Glibc
internal import SandboxKernel
public import SandboxPlan
internal import Synchronization

/// The files of a project's folder.
public struct FileListing: Hashable, Sendable {
    public struct File: Hashable, Sendable {
        /// From the project's folder, without a slash in front; any bytes but NUL.
        public var path: OSString
        /// In bytes; of a link that of the file it leads to.
        public var size: UInt64
        /// Since 1970-01-01T00:00:00Z, in nanoseconds.
        public var modified_ns: Int64
        public var isLink: Bool

        /// As text: the path itself where it is UTF-8, else in percent-encoding, which is then also what to ask for in a URL.
        public var text: String { path.utf8 ?? path.percentEncoded }
        /// Whether `text` is the path itself.
        public var isText: Bool { path.utf8 != nil }
    }

    /// In the order of their bytes.
    public var files: [File]
    /// Whether there is more than was looked at.
    public var isCut: Bool
    /// Folders whose modes keep the server out.
    public var unreadableFolders: Int
}

extension ProjectFolder {
    /// All regular files, hidden ones too, and links that lead to one inside; folders and other things are left out.
    ///
    /// - Parameter limit: entries of any kind that are looked at.
    /// - Returns: in the order of the paths' bytes.
    /// - Throws: `.unavailable` without descriptors or memory; never because of what somebody does in the folder meanwhile.
    public func list(limit: Int = 100_000) throws(WorkspaceError) -> FileListing {
        try listing(try walk(limit: limit), linkTime_ns: ProjectFolder.linkTime_ns)
    }

    /// For following links in one listing: a worker can make some that take the kernel milliseconds each.
    private static let linkTime_ns: Int64 = 2_000_000_000

    /// What `make` makes of a listing, or made of it the last time if it still holds.
    ///
    /// - Parameters:
    ///   - limit: entries of any kind that are looked at.
    ///   - isQuick: whether somebody else is waiting: it is cut then where links take longer than 2 ms.
    ///   - make: always the same for one folder.
    /// - Returns: what the folder's files are now.
    /// - Throws: as the other one.
    public func list<Value: Sendable>(
        limit: Int,
        isQuick: Bool = false,
        _ make: (FileListing) -> Value
    ) throws(WorkspaceError) -> Value {
        let begun_ns = ProjectFolder.clock_ns()
        if let known = known.withLock({ $0 }), let value = known.value as? Value, known.isWorthKeeping(begun_ns),
            known.holds()
        {
            return value
        }
        let walk = try walk(limit: limit, holds: KnownListing.mostFolders)
        let value = make(try listing(walk, linkTime_ns: isQuick ? 2_000_000 : ProjectFolder.linkTime_ns))
        let made = KnownListing(walk, begun_ns: begun_ns, value: value)
        // What was there ends outside of the lock: it closes descriptors.
        _ = known.withLock { known -> KnownListing? in
            defer { known = made }
            return known
        }
        return value
    }

    /// Closes the files that are held of it, where they are not what they were: the space of those that are removed is given back.
    func letGoStale() {
        knownFiles.letGoStale(in: self)
        guard let stale = known.withLock({ $0 }), !stale.holds() else { return }
        known.withLock { known in if known === stale { known = nil } }
    }

    /// The clock of files' times.
    static func clock_ns() -> Int64 {
        var now = timespec()
        // It fails for no clock that the kernel has.
        guard clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0 else { return .min }
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }

    private func walk(limit: Int, holds: Int = 0) throws(WorkspaceError) -> FolderWalk {
        var bounds = FolderWalk.Bounds()
        bounds.entries = limit
        return try FolderWalk(number, bounds, holds: holds)
    }

    private func listing(_ walk: FolderWalk, linkTime_ns: Int64) throws(WorkspaceError) -> FileListing {
        var linkTime_ns = linkTime_ns
        var isCut = walk.isCut || !walk.tooDeep.isEmpty
        var files: [FileListing.File] = []
        files.reserveCapacity(walk.entries.count)
        for entry in walk.entries {
            switch entry.facts.kind {
            case .file: files.append(file(entry.path, entry.facts, isLink: false))
            case .link:
                guard linkTime_ns > 0 else {
                    isCut = true
                    continue
                }
                let begun = cs_monotonic()
                let target = try target(entry.path)
                linkTime_ns -= cs_monotonic() - begun
                guard let target else { continue }
                files.append(file(entry.path, target, isLink: true))
            case .folder, .special: continue
            }
        }
        return FileListing(
            files: files,
            isCut: isCut,
            unreadableFolders: walk.closed.count
        )
    }

    private func file(_ path: OSString, _ facts: FileFacts, isLink: Bool) -> FileListing.File {
        FileListing.File(path: path, size: facts.size, modified_ns: facts.modified_ns, isLink: isLink)
    }

    /// What a link leads to, if it is a regular file inside.
    private func target(_ path: OSString) throws(WorkspaceError) -> FileFacts? {
        let number = Beneath.open(path, below: number, Beneath.handle, Beneath.withLinks)
        guard number >= 0 else {
            switch Int32(-number) {
            // It leads out, round, nowhere, or through a closed folder; or it is not there any more.
            case EXDEV, ELOOP, ENOENT, ENOTDIR, ENAMETOOLONG, EACCES, EPERM, EAGAIN: return nil
            default: throw WorkspaceError("openat2", on: path, number)
            }
        }
        let handle = OwnedFileDescriptor(owning: Int32(number))
        let (facts, result) = FileFacts.of(handle.number)
        guard let facts else { throw WorkspaceError("statx", on: path, result) }
        return facts.kind == .file ? facts : nil
    }
}
