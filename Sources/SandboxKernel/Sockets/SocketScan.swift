internal import CShims
internal import Glibc
public import SandboxPlan

/// Sockets of the host that a job could reach by their path: connecting needs no right that a mount can take away.
///
/// The kernel says of every bound socket of this network namespace which file it is, but not where that is now: a socket
/// is bound by a relative name, renamed, linked, and so is its folder. So each is looked for: by the name it was bound by,
/// and where that does not lead to it in the folders that were chosen. A name outside of them can be made to fail in any
/// way by anybody, and is no reason to refuse. Sockets of other network namespaces are in no list.
public struct SocketScan {
    /// A folder or file that the place shows.
    public struct Root: Hashable, Sendable {
        /// Absolute and without links.
        public var path: OSString
        /// Chosen for this launch, and looked through for what has no known place; the system's folders are root's.
        public var isSearched: Bool

        public init(path: OSString, isSearched: Bool) {
            self.path = path
            self.isSearched = isSearched
        }
    }

    /// Who the job will be.
    public struct Worker: Hashable, Sendable {
        public var uid: UInt32
        public var gid: UInt32

        public init(uid: UInt32, gid: UInt32) {
            self.uid = uid
            self.gid = gid
        }

        /// Whether somebody else but root can put something into a folder.
        ///
        /// The group may write where it is the user's own: with a umask of 002, and a group for each user, nobody else is in
        /// it. Rights from access control lists are in the group's bits as their upper bound (acl(5)).
        func shares(_ folder: cs_identity) -> Bool {
            if folder.uid != uid && folder.uid != 0 || folder.mode & 0o002 != 0 { return true }
            return folder.mode & 0o020 != 0 && folder.gid != gid && folder.gid != 0
        }

        /// Whether nobody else but root comes through a folder.
        func closes(_ folder: cs_identity) -> Bool {
            guard folder.uid == uid || folder.uid == 0, folder.mode & 0o001 == 0 else { return false }
            return folder.mode & 0o010 == 0 || folder.gid == gid || folder.gid == 0
        }
    }

    /// What was found out.
    public struct Result: Hashable, Sendable {
        /// Paths of sockets that something outside listens on, or may: sorted.
        public var paths: [OSString] = []
        /// Sockets that are somewhere else or not, nobody knows: the folders are too large or closed.
        public var unplaced: [BoundSocket] = []
    }

    /// Sockets whose names are looked up; the rest is looked for by number only.
    static let lookUpLimit = 4096
    /// Sockets whose folder is looked at where the name is gone.
    static let besideLimit = 64

    private let folders: ShownFolders
    private let allowed: [OSString]
    private let worker: Worker
    /// Entries of the folders that are looked at.
    var walkLimit = SocketWalk.limit

    init(_ roots: [Root], allowed: [OSString], worker: Worker) throws(SyscallError) {
        folders = try ShownFolders(roots, ShownFolders.mounts())
        self.allowed = allowed
        self.worker = worker
    }

    /// Looks for every socket that the kernel lists.
    ///
    /// - Parameters:
    ///   - roots: what the place shows.
    ///   - allowed: paths of sockets that the policy lets the job reach.
    ///   - worker: who it will be.
    /// - Returns: sockets that the job could reach or that nobody knows the place of.
    /// - Throws: `SyscallError` when the kernel gives no list, for a root that cannot be looked at, and without a table
    ///   of the mounts.
    public static func found(
        in roots: [Root],
        allowed: [OSString],
        worker: Worker
    ) throws(SyscallError) -> Result {
        let sockets = try SocketList.current()
        if sockets.isEmpty { return Result() }
        return try SocketScan(roots, allowed: allowed, worker: worker).found(sockets)
    }

    /// The same for a list.
    func found(_ sockets: [BoundSocket]) -> Result {
        var result = Result()
        var unknown = unplaced(sockets, &result)
        if !unknown.isEmpty { placeAllowed(&unknown) }
        if !unknown.isEmpty && isClosedToOthers { unknown.removeAll { isForeign($0) && $0.owner != 0 } }
        if !unknown.isEmpty {
            var walk = SocketWalk(unknown, folders, worker, limit: walkLimit)
            walk.run()
            result.paths += walk.paths.filter { !allowed.contains($0) }
            if !walk.isComplete {
                let isOwn = walk.isOwn
                result.unplaced = walk.missing.filter { !$0.mayBeAbstract && !(isOwn && isForeign($0)) }
            }
        }
        result.paths.sort()
        return result
    }

    /// Those whose own name does not lead to them.
    private func unplaced(_ sockets: [BoundSocket], _ result: inout Result) -> [BoundSocket] {
        var unknown: [BoundSocket] = []
        var beside = 0
        var lookUps = 0
        for socket in sockets {
            // A file system of which nothing is shown.
            if let file = socket.file, !folders.devices.contains(file.device) { continue }
            let written = socket.path
            var place = SocketPlace.unknown
            lookUps += 1
            if lookUps <= SocketScan.lookUpLimit {
                place = SocketPlace(socket, written, folders, beside: beside < SocketScan.besideLimit)
            }
            switch place {
            case .elsewhere: continue
            case .shown(let path):
                if allowed.contains(path) { continue }
                if let written, allowed.contains(written) { continue }
                if !result.paths.contains(path) { result.paths.append(path) }
            case .unknown:
                if socket.name.isAbsolute { beside += 1 }
                if socket.file == nil, let written, allowed.contains(written) { continue }
                unknown.append(socket)
            }
        }
        return unknown
    }

    /// A socket that the policy names is where the policy says, if it has no other name.
    private func placeAllowed(_ unknown: inout [BoundSocket]) {
        for path in allowed {
            var identity = cs_identity()
            guard path.withCString({ cs_identify(FileReading.currentFolder, $0, &identity) }) == 0, identity.links == 1,
                identity.mode & S_IFMT == S_IFSOCK, let mount = folders.mount(identity.mount)
            else { continue }
            let file = BoundSocket.File(
                device: ShownFolders.device(of: mount),
                inode: UInt32(truncatingIfNeeded: identity.inode)
            )
            unknown.removeAll { $0.file == file }
        }
    }

    /// Made by somebody who is neither the caller nor the job.
    private func isForeign(_ socket: BoundSocket) -> Bool {
        guard let owner = socket.owner else { return false }
        return owner != worker.uid && owner != geteuid()
    }

    /// Whether each folder to look through lies behind one that only its owner and root come through.
    private var isClosedToOthers: Bool {
        for root in folders.roots where root.isSearched {
            var isClosed = false
            var path = root.path
            while !isClosed {
                var identity = cs_identity()
                let result = path.withCString { cs_identify(FileReading.currentFolder, $0, &identity) }
                isClosed = result == 0 && identity.mode & S_IFMT == S_IFDIR && worker.closes(identity)
                if path == "/" { break }
                path = path.parent
            }
            if !isClosed { return false }
        }
        return true
    }
}
