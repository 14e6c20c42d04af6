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
    /// Those that are there now; the place must be gone.
    static func found(_ missing: [MissingNames]) -> [OSString] {
        var planted: [OSString] = []
        for entry in missing {
            let root = open(entry.root, below: FileReading.currentFolder, flags: UInt64(CS_O_DIRECTORY))
            guard root >= 0 else { continue }
            let folder = OwnedFileDescriptor(owning: Int32(root))
            for name in entry.names where isThere(name, below: folder.number) {
                planted.append(entry.root.appending(name))
            }
        }
        return planted
    }

    /// A name that cannot be looked at (a link: ELOOP) is there, too.
    private static func isThere(_ name: OSString, below folder: Int32) -> Bool {
        let result = open(name, below: folder, flags: UInt64(CS_O_NOFOLLOW))
        if result >= 0 {
            _ = close(Int32(result))
            return true
        }
        return result != Int(-ENOENT) && result != Int(-ENOTDIR)
    }

    /// Without following any link: as root, the owner of the workspace must not send us elsewhere.
    private static func open(_ path: OSString, below folder: Int32, flags: UInt64) -> Int {
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        return path.withPointer { cs_openat2(folder, $0, UInt64(CS_O_PATH) | flags, 0, resolve) }
    }
}
