internal import CShims
internal import Glibc
internal import SandboxPlan

/// Looks through the folders that were chosen for a launch for sockets whose place is not known, by their numbers.
///
/// By descriptor and without following links; mounts in the folders are entered, because the place shows them too.
struct SocketWalk {
    /// Entries that are looked at; some hundred milliseconds.
    static let limit = 250_000

    private let unknown: [BoundSocket]
    private let folders: ShownFolders
    private let worker: SocketScan.Worker
    private let limit: Int
    /// Of the sockets with a file: key and position, sorted by the key.
    private let keys: [(key: UInt64, index: Int)]
    private let hasNameless: Bool
    private var isFound: [Bool]
    private var seen = 0

    /// Sockets in the folders that are, or may be, one of those that were looked for.
    private(set) var paths: [OSString] = []
    /// Whether everything was looked at that a job could reach.
    private(set) var isComplete = true
    /// Whether nobody but root and the worker can put anything into a folder that was looked at.
    private(set) var isOwn = true

    init(_ unknown: [BoundSocket], _ folders: ShownFolders, _ worker: SocketScan.Worker, limit: Int) {
        self.unknown = unknown
        self.folders = folders
        self.worker = worker
        self.limit = limit
        var keys: [(key: UInt64, index: Int)] = []
        var hasNameless = false
        for (index, socket) in unknown.enumerated() {
            if let file = socket.file {
                keys.append((file.key, index))
            } else if !socket.mayBeAbstract {
                hasNameless = true
            }
        }
        keys.sort { $0.key < $1.key }
        self.keys = keys
        self.hasNameless = hasNameless
        isFound = Array(repeating: false, count: unknown.count)
    }

    /// Those that were not seen anywhere.
    var missing: [BoundSocket] { unknown.indices.filter { !isFound[$0] }.map { unknown[$0] } }

    mutating func run() {
        for (index, root) in folders.roots.enumerated() where root.isSearched {
            let isNested = folders.roots.indices.contains { other in
                let outer = folders.roots[other]
                return other != index && outer.isSearched && root.path.isWithin(outer.path)
                    && (outer.path != root.path || other < index)
            }
            // A root in another one is looked at with it.
            if !isNested { walk(root.path) }
        }
    }

    private mutating func walk(_ root: OSString) {
        guard let top = open(root, below: FileReading.currentFolder) else { return }
        var waiting: [OSString] = [""]
        while let path = waiting.popLast() {
            if seen >= limit {
                isComplete = false
                return
            }
            if path.isEmpty {
                look(top.number, root, path, &waiting)
            } else if let folder = open(path, below: top.number) {
                look(folder.number, root, path, &waiting)
            }
        }
    }

    /// Nil where there is nothing to look at; where there may be, the walk is not complete.
    private mutating func open(_ path: OSString, below folder: Int32) -> OwnedFileDescriptor? {
        let flags = UInt64(O_RDONLY | O_NONBLOCK) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let number = path.withCString { cs_openat2(folder, $0, flags, 0, resolve) }
        if number >= 0 { return OwnedFileDescriptor(owning: Int32(number)) }
        switch Int32(-number) {
        case ENOENT, ENOTDIR, ELOOP: return nil  // exchanged since it was listed, or a file as root
        case EACCES:
            // Closed to us and so to the job; but who owns it can open it again (chmod(2)).
            var identity = cs_identity()
            let result = path.withCString { cs_identify(folder, $0, &identity) }
            if result == Int(-EACCES) || result == 0 && identity.uid != worker.uid { return nil }
        default: break
        }
        isComplete = false
        return nil
    }

    private mutating func look(_ folder: Int32, _ root: OSString, _ path: OSString, _ waiting: inout [OSString]) {
        var own = cs_identity()
        if cs_identify(folder, "", &own) != 0 || worker.shares(own) { isOwn = false }
        var sockets: [(name: OSString, identity: cs_identity)] = []
        var seen = self.seen
        var isComplete = self.isComplete
        let limit = self.limit
        do throws(SyscallError) {
            try FolderEntries.each(in: folder, named: root) { (entry) throws(SyscallError) in
                seen += 1
                switch Int32(entry.kind) {
                case Int32(DT_DIR): waiting.append(path.appending(entry.copy))
                case Int32(DT_SOCK), Int32(DT_UNKNOWN):
                    var identity = cs_identity()
                    let result = cs_identify(folder, entry.name, &identity)
                    if result == Int(-ENOENT) { break }
                    if result != 0 { isComplete = false }
                    if identity.mode & S_IFMT == S_IFDIR { waiting.append(path.appending(entry.copy)) }
                    if identity.mode & S_IFMT == S_IFSOCK { sockets.append((entry.copy, identity)) }
                default: break
                }
                return seen < limit
            }
        } catch { isComplete = false }
        self.seen = seen
        self.isComplete = isComplete
        for socket in sockets { judge(root.appending(path).appending(socket.name), socket.name, socket.identity) }
    }

    /// Whether a socket in the folders is one of those that are looked for.
    private mutating func judge(_ path: OSString, _ name: OSString, _ identity: cs_identity) {
        var isWanted = hasNameless
        for socket in unknown where socket.mayBeAbstract && socket.name.lastComponent == name { isWanted = true }
        if keys.isEmpty {
            if isWanted { paths.append(path) }
            return
        }
        let inode = UInt32(truncatingIfNeeded: identity.inode)
        guard let mount = folders.mount(identity.mount) else {
            // Mounted since the table was read.
            for entry in keys where UInt32(truncatingIfNeeded: entry.key) == inode { isWanted = true }
            if isWanted { paths.append(path) }
            return
        }
        let device = ShownFolders.device(of: mount)
        let wanted = BoundSocket.File(device: device, inode: inode).key
        var index = first(atLeast: wanted)
        while index < keys.count && keys[index].key == wanted {
            isWanted = true
            isFound[keys[index].index] = true
            index += 1
        }
        // With layers in several file systems overlayfs shows files by the numbers of their own one, and has others for
        // itself (Documentation/filesystems/overlayfs.rst, "Inode properties"): then every socket may be the one.
        let isForeign =
            UInt64(device >> 20) << 8 | UInt64(device & 0xFF) | UInt64(device & 0xFFF00) << 12 != identity.device
        if isForeign && mount.type == "overlay" {
            let from = first(atLeast: UInt64(device) << 32)
            if from < keys.count && keys[from].key >> 32 == UInt64(device) { isWanted = true }
        }
        if isWanted { paths.append(path) }
    }

    private func first(atLeast key: UInt64) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
