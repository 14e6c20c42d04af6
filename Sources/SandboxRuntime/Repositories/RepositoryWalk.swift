internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Looks through writable folders for git repositories: before a launch, to keep them from the job, and after it, to tell what
/// has come into being.
///
/// Known by what git itself asks for (gitrepository-layout(5)), never by what a file says: a `.git` of any kind, and a folder
/// with `HEAD` and either `objects` and `refs` or `commondir`; a folder `.git` also with settings or hooks alone. By descriptor, without following a link, level by level, so
/// that where it has to stop the shallow ones are known.
struct RepositoryWalk {
    struct Bounds: Sendable {
        /// Names in all folders together.
        var entries = 100_000
        /// Folders below each other.
        var depth = 32
        /// Repositories that are told.
        var repositories = 512
        /// Bytes of their paths together: a job chooses how long they are, and the next launch's record has them.
        var pathBytes = 256 << 10
        /// Bytes of the paths of all folders that are to be looked into: deep ones with long names would take a hundred times as much
        /// memory as those of an ordinary tree.
        var folderBytes = 16 << 20
        /// Nanoseconds for all of it.
        var time: Int64 = 2_000_000_000
    }

    /// Where it looks.
    struct Places: Hashable, Sendable {
        /// Writable folders; none is looked through as a part of another.
        var roots: [OSString]
        /// Folders in them that the job cannot write in, or does not see.
        var closed: [OSString]
    }

    struct Found: Sendable {
        /// Shallow before deep in each root.
        var repositories: [HostRepository] = []
        /// Empty: everything was looked at that a job could write in.
        var unsearched: [UnsearchedFolder] = []
        /// The roots in which more was not looked at than is listed.
        var overflowing: [OSString] = []
        /// Which folder each root was: another one may have its path by now.
        ///
        /// Few, so no dictionary, whose first use is dear.
        var roots: [(root: OSString, folder: FolderIdentity)] = []

        func folder(of root: OSString) -> FolderIdentity? { roots.first { $0.root == root }?.folder }
    }

    struct FolderIdentity: Hashable, Sendable {
        var device: UInt64
        var inode: UInt64
        var born: Int64

        init(_ found: cs_identity) { (device, inode, born) = (found.device, found.inode, found.born_ns) }
        init(_ known: HostRepository) { (device, inode, born) = (known.device, known.inode, known.born) }
    }

    private let places: Places
    private let known: [HostRepository]?
    private let settled: Int64?
    /// With `settled`: the folders `.git` that were known, and the names in a folder that were known to be a repository or to hold a `.git`.
    private var knownFolders: [OSString: FolderIdentity] = [:]
    private var knownNames: [OSString: [OSString]] = [:]
    private let bounds: Bounds
    private let began = cs_monotonic()
    private var seen = 0
    private var pathBytes = 0
    private var folderBytes = 0
    private var isFull = false
    private var found = Found()
    private var queue: [Waiting] = []

    private struct Waiting {
        /// From the root; empty for the root itself.
        var path: OSString
        var depth: Int
        /// Whether every folder above it stands where it stood before `settled`.
        var isInPlace = true
    }

    private init(_ places: Places, _ known: [HostRepository]?, _ settled: Int64?, _ bounds: Bounds) {
        self.places = places
        self.known = known
        self.settled = settled
        self.bounds = bounds
        guard settled != nil, let known else { return }
        for repository in known {
            let isGit = repository.path.lastComponent == ".git"
            let folder = isGit ? repository.path.parent : repository.path
            knownNames[folder.parent, default: []].append(folder.lastComponent)
            if repository.kind == .folder { knownFolders[repository.path] = FolderIdentity(repository) }
        }
    }

    /// What is there.
    ///
    /// - Parameters:
    ///   - places: where to look.
    ///   - known: nil before the launch. After it, the repositories of then: a folder of ours that the job has closed is opened
    ///     again, and nothing of a repository that is not among these is left out.
    ///   - settled: nanoseconds of the clock of files. What has not changed since then is as the look before the launch saw it: a
    ///     folder without folders in it that is older, and stands where it stood, is not asked for names again. To create, remove or
    ///     rename something in a folder, or to move the folder, sets its time of change (inode(7)), which no process of the
    ///     job can set. Nil: everything is asked.
    ///   - bounds: past which the rest is unsearched.
    /// - Returns: the repositories, and what was not looked at.
    static func run(
        _ places: Places,
        known: [HostRepository]? = nil,
        settled: Int64? = nil,
        _ bounds: Bounds = Bounds()
    ) -> Found {
        var walk = RepositoryWalk(places, known, settled, bounds)
        for root in places.roots { walk.look(through: root) }
        return walk.found
    }

    private mutating func look(through root: OSString) {
        let top: OwnedFileDescriptor
        switch open(root, below: FileReading.currentFolder) {
        case .folder(let folder): top = folder
        case .nothing: return
        case .closed(let code):
            give(up: root, in: root, "it cannot be opened (\(ErrnoName.name(code)))")
            return
        }
        var own = cs_identity()
        if cs_identify(top.number, "", &own) == 0 { found.roots.append((root, FolderIdentity(own))) }
        let countsFolders = cs_counts_folders(top.number) == 1
        queue = [Waiting(path: "", depth: 0)]
        (folderBytes, isFull) = (0, false)
        var next = 0
        while next < queue.count {
            let waiting = queue[next]
            next += 1
            if isOver(root, waiting) { return }
            if waiting.path.isEmpty {
                look(into: top, root, waiting, top, countsFolders)
                continue
            }
            switch open(waiting.path, below: top.number) {
            case .folder(let folder): look(into: folder, root, waiting, top, countsFolders)
            case .nothing: continue
            case .closed(let code):
                give(up: root.appending(waiting.path), in: root, "it cannot be opened (\(ErrnoName.name(code)))")
            }
        }
    }

    /// Whether there is no going on in this root.
    private mutating func isOver(_ root: OSString, _ waiting: Waiting) -> Bool {
        let why: String
        if seen > bounds.entries {
            why = "there are more than \(bounds.entries) entries"  // in the roots before this one
        } else if found.repositories.count > bounds.repositories {
            why = "there are more than \(bounds.repositories) repositories"
        } else if pathBytes > bounds.pathBytes {
            why = "the paths of the repositories are longer than \(bounds.pathBytes) bytes"
        } else if cs_monotonic() - began > bounds.time {
            why = "there is more than can be looked through in \(bounds.time / 1_000_000) ms"
        } else {
            return false
        }
        give(up: root, in: root, "\(why), at last in \(root.appending(waiting.path))")
        return true
    }

    private mutating func give(up path: OSString, in root: OSString, _ why: String) {
        if found.unsearched.count < 64 {
            found.unsearched.append(UnsearchedFolder(path: path, why: why))
        } else if !found.overflowing.contains(root) {
            found.overflowing.append(root)
            let why = "more folders in it than are listed were given up"
            found.unsearched.append(UnsearchedFolder(path: root, why: why))
        }
    }

    // MARK: - One folder

    /// What of a repository's layout is there.
    private struct Layout {
        var hasHead = false
        var hasObjects = false
        var hasRefs = false
        var hasCommon = false
        /// `config` or `hooks`.
        var hasSettings = false

        var isRepository: Bool { hasHead && (hasCommon || hasObjects && hasRefs) }
    }

    private mutating func look(
        into folder: borrowing OwnedFileDescriptor,
        _ root: OSString,
        _ waiting: Waiting,
        _ top: borrowing OwnedFileDescriptor,
        _ countsFolders: Bool
    ) {
        let path = waiting.path.isEmpty ? root : root.appending(waiting.path)
        let number = folder.number
        var layout = Layout()
        var folders: [OSString] = []
        var hasGit = false
        var seen = self.seen
        let limit = bounds.entries
        do throws(SyscallError) {
            try FolderEntries.each(in: number, named: path) { (entry) throws(SyscallError) in
                seen += 1
                if seen > limit { return false }
                var kind = entry.kind
                if kind == UInt8(DT_UNKNOWN) { kind = RepositoryWalk.kind(of: entry.name, in: number) }
                let isFolder = kind == UInt8(DT_DIR)
                switch entry.length {
                case 4 where entry.isNamed("HEAD"): layout.hasHead = !isFolder
                case 4 where entry.isNamed(".git"): hasGit = !isFolder
                case 4 where entry.isNamed("refs"): layout.hasRefs = true
                case 5 where entry.isNamed("hooks"): layout.hasSettings = true
                case 6 where entry.isNamed("config"): layout.hasSettings = true
                case 7 where entry.isNamed("objects"): layout.hasObjects = true
                case 9 where entry.isNamed("commondir"): layout.hasCommon = !isFolder
                case _: break
                }
                if isFolder { folders.append(entry.copy) }
                return true
            }
        } catch { give(up: path, in: root, "it cannot be listed (\(ErrnoName.name(error.errno)))") }
        self.seen = seen
        if seen > limit {
            // Whatever is waiting is not looked at, and the rest of this one is not known.
            queue = []
            give(up: root, in: root, "there are more than \(limit) entries, at last in \(path)")
            return
        }
        var own = cs_identity()
        let isIdentified = cs_identify(number, "", &own) == 0
        let isGit = path.lastComponent == ".git"
        if !waiting.path.isEmpty, layout.isRepository || isGit && (layout.hasSettings || layout.hasCommon) {
            note(
                HostRepository(
                    path: path,
                    root: root,
                    kind: layout.isRepository ? isGit ? .folder : .bare : .partial,
                    device: own.device,
                    inode: own.inode,
                    born: own.born_ns,
                    changed: layout.isRepository ? 0 : RepositoryWalk.lastChange(in: number, own)
                )
            )
        }
        if hasGit { note(gitIn: number, path, root) }
        if folders.isEmpty { return }
        // In what git keeps there nobody works; afterwards one may have been hidden in it, and a link may lead there.
        let skipsContents = layout.isRepository && known == nil
        let isInPlace = waiting.isInPlace && isIdentified && (waiting.path.isEmpty || stands(path, own))
        // Those that were known are always looked into.
        let asked = isInPlace ? knownNames[path] ?? [] : []
        for name in folders {
            if skipsContents && (name == "objects" || name == "refs" || name == "logs") { continue }
            if countsFolders, isIdentified, name != ".git" {
                let settled = isInPlace && !asked.contains(name) ? settled : nil
                if RepositoryWalk.isLeaf(name, in: number, own.device, settled) { continue }
            }
            let whole = path.appending(name)
            if places.closed.contains(whole) || places.roots.contains(whole) { continue }
            guard waiting.depth < bounds.depth else {
                give(up: path, in: root, "folders in it are more than \(bounds.depth) deep")
                return
            }
            let inner = waiting.path.appending(name)
            guard folderBytes + inner.bytes.count <= bounds.folderBytes else {
                // What is waiting is less deep, and still looked into.
                if !isFull {
                    let why = "the paths of its folders are longer than \(bounds.folderBytes) bytes, at \(path)"
                    give(up: root, in: root, why)
                }
                isFull = true
                return
            }
            folderBytes += inner.bytes.count
            queue.append(Waiting(path: inner, depth: waiting.depth + 1, isInPlace: isInPlace))
        }
    }

    /// Whether a folder has not been moved since `settled`: it has not changed at all, or is the `.git` of a repository that was known
    /// there (its missing names are guarded in it, which changes it).
    private func stands(_ path: OSString, _ own: cs_identity) -> Bool {
        guard let settled else { return false }
        return own.changed_ns < settled || knownFolders[path] == FolderIdentity(own)
    }

    private mutating func note(_ repository: HostRepository) {
        found.repositories.append(repository)
        pathBytes += repository.path.bytes.count
    }

    /// Of a `.git` that is no repository yet: when what git would obey in it was changed last.
    private static func lastChange(in folder: Int32, _ own: cs_identity) -> Int64 {
        var last = own.changed_ns
        for name in ["config", "hooks", "commondir"] as [OSString] {
            var found = cs_identity()
            guard name.withPointer({ cs_identify(folder, $0, &found) }) == 0 else { continue }
            // What a link leads to may change without it.
            if found.mode & S_IFMT == S_IFLNK { return .max }
            last = max(last, found.changed_ns)
        }
        return max(last, lastChange(ofHooksIn: folder))
    }

    /// The same for the hooks themselves, which may be written over in place; more than 64, and links, count as changed.
    private static func lastChange(ofHooksIn folder: Int32) -> Int64 {
        let number = opened("hooks", below: folder)
        guard number >= 0 else { return 0 }
        let hooks = OwnedFileDescriptor(owning: Int32(number))
        var last: Int64 = 0
        var count = 0
        do throws(SyscallError) {
            try FolderEntries.each(in: hooks.number, named: "hooks") { (entry) throws(SyscallError) in
                var found = cs_identity()
                count += 1
                guard count <= 64, cs_identify(hooks.number, entry.name, &found) == 0,
                    found.mode & S_IFMT == S_IFREG
                else {
                    last = .max
                    return false
                }
                last = max(last, found.changed_ns)
                return true
            }
        } catch { return .max }
        return last
    }

    /// A `.git` that is no folder.
    private mutating func note(gitIn folder: Int32, _ path: OSString, _ root: OSString) {
        var identity = cs_identity()
        guard cs_identify(folder, ".git", &identity) == 0 else { return }
        let kind: HostRepository.Kind
        switch identity.mode & S_IFMT {
        case S_IFREG: kind = .pointer
        case S_IFLNK: kind = .link
        case _: return
        }
        note(
            HostRepository(
                path: path.appending(".git"),
                root: root,
                kind: kind,
                device: identity.device,
                inode: identity.inode,
                born: identity.born_ns,
                changed: kind == .link ? identity.changed_ns : 0
            )
        )
    }

    /// Whether a folder has neither folders in it nor anything of a repository, without listing it: two names instead of
    /// all of them, and none where it has not changed since `settled`.
    private static func isLeaf(_ name: OSString, in folder: Int32, _ device: UInt64, _ settled: Int64?) -> Bool {
        var found = cs_identity()
        guard name.withPointer({ cs_identify(folder, $0, &found) }) == 0, found.links == 2, found.device == device
        else { return false }
        if let settled, found.changed_ns < settled { return true }
        return isMissing(name.appending(".git"), in: folder) && isMissing(name.appending("HEAD"), in: folder)
    }

    private static func isMissing(_ path: OSString, in folder: Int32) -> Bool {
        var found = cs_identity()
        return path.withPointer { cs_identify(folder, $0, &found) } == Int(-ENOENT)
    }

    /// Where the file system does not say it with the name.
    private static func kind(of name: UnsafePointer<CChar>, in folder: Int32) -> UInt8 {
        var found = cs_identity()
        // Opening it will say what it is.
        guard cs_identify(folder, name, &found) == 0 else { return UInt8(DT_DIR) }
        return found.mode & S_IFMT == S_IFDIR ? UInt8(DT_DIR) : UInt8(DT_REG)
    }

    // MARK: - Opening

    private enum Opened: ~Copyable {
        case folder(OwnedFileDescriptor)
        /// Gone, exchanged since it was listed, no folder, or closed to the job as well.
        case nothing
        /// A repository in it would be the job's to change.
        case closed(errno: Int32)
    }

    private func open(_ path: OSString, below folder: Int32) -> Opened {
        var number = RepositoryWalk.opened(path, below: folder)
        if number == Int(-EACCES) && known != nil {
            RepositoryWalk.reopen(path, below: folder)
            number = RepositoryWalk.opened(path, below: folder)
        }
        if number >= 0 { return .folder(OwnedFileDescriptor(owning: Int32(number))) }
        switch Int32(-number) {
        case ENOENT, ENOTDIR, ELOOP: return .nothing
        case EACCES:
            var found = cs_identity()
            // Somebody else's, and not to be entered: what is in it no job of ours can name.
            if path.withPointer({ cs_identify(folder, $0, &found) }) == 0, found.uid != geteuid(),
                path.withPointer({ faccessat(folder, $0, X_OK, AT_EACCESS) }) != 0
            {
                return .nothing
            }
        case _: break
        }
        return .closed(errno: Int32(-number))
    }

    private static func opened(_ path: OSString, below folder: Int32) -> Int {
        let flags = UInt64(O_RDONLY | O_NONBLOCK) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)
        let within = folder == FileReading.currentFolder ? 0 : UInt64(CS_RESOLVE_BENEATH)
        let resolve = within | UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        return path.withPointer { cs_openat2(folder, $0, flags, 0, resolve) }
    }

    /// Opens a folder of ours that the job has closed, and the one around it, up to the root.
    private static func reopen(_ path: OSString, below folder: Int32) {
        func open(_ path: OSString) {
            let number = ClosedFolder.descriptor(path, below: folder)
            guard number >= 0 else { return }
            let closed = OwnedFileDescriptor(owning: Int32(number))
            _ = ClosedFolder.open(closed.number)
        }
        if folder != FileReading.currentFolder {
            if path.containsSlash { open(path.parent) } else { _ = ClosedFolder.open(folder) }
        }
        open(path)
    }
}

extension FolderEntries.Entry {
    /// The same bytes; for names that are looked for in every folder.
    fileprivate func isNamed(_ name: StaticString) -> Bool {
        length == name.utf8CodeUnitCount && memcmp(self.name, name.utf8Start, length) == 0
    }
}
