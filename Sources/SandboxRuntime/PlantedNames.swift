internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// Looks, after a job, for protected names that it could make: tools of the host obey them without being asked.
///
/// One openat2(2) for each root and each name that was missing before; what is deeper is not looked at, and nothing is
/// removed.
enum PlantedNames {
    struct Found: Equatable {
        /// Names that are there now.
        var made: [OSString] = []
        /// Folders that stay closed to us, in which names may be: of those nothing is claimed.
        var unseen: [OSString] = []
    }

    /// What became of the names; the place must be gone.
    ///
    /// A folder of ours that the job has closed is opened again.
    static func found(_ missing: [MissingNames]) -> Found {
        var found = Found()
        for entry in missing {
            let root = ClosedFolder.descriptor(entry.root)
            guard root >= 0 else {
                if isHidden(root) { found.unseen.append(entry.root) }
                continue
            }
            let folder = OwnedFileDescriptor(owning: Int32(root))
            for name in entry.names {
                switch look(name, below: folder.number) {
                case .there: found.made.append(entry.root.appending(name))
                case .missing: continue
                case .hidden(let closed):
                    let path = closed.isEmpty ? entry.root : entry.root.appending(closed)
                    if !found.unseen.contains(path) { found.unseen.append(path) }
                }
            }
        }
        return found
    }

    private enum Look {
        case there
        case missing
        /// By this folder on the way, relative to the root.
        case hidden(OSString)
    }

    private static func look(_ name: OSString, below root: Int32) -> Look {
        var result = open(name, below: root)
        guard isHidden(result) else { return seen(result) }
        if ClosedFolder.open(root) { result = open(name, below: root) }
        // Folder by folder from the root: the first that stays closed hides whatever is behind it.
        var way: OSString = ""
        for component in name.components.dropLast() where isHidden(result) {
            let number = ClosedFolder.descriptor(way.appending(component), below: root)
            guard number >= 0 else { return .hidden(way) }
            way = way.appending(component)
            let folder = OwnedFileDescriptor(owning: Int32(number))
            if ClosedFolder.open(folder.number) { result = open(name, below: root) }
        }
        return isHidden(result) ? .hidden(way) : seen(result)
    }

    private static func seen(_ result: Int) -> Look {
        guard result >= 0 else { return result == Int(-ELOOP) ? .there : .missing }
        _ = close(Int32(result))
        return .there
    }

    /// Not of a link on the way (ELOOP): one stands where a folder was, and that is the job's doing.
    private static func isHidden(_ result: Int) -> Bool {
        result < 0 && ![Int(-ENOENT), Int(-ENOTDIR), Int(-ELOOP)].contains(result)
    }

    private static func open(_ name: OSString, below folder: Int32) -> Int {
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        return name.withPointer { cs_openat2(folder, $0, UInt64(CS_O_PATH | CS_O_NOFOLLOW), 0, resolve) }
    }
}
