internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Watches repositories for a file that would move their settings elsewhere.
///
/// git takes config and hooks from the folder that `.git/commondir` names (gitrepository-layout(5)). A main repository
/// has no such file, and none can be covered in advance: an empty one makes git fail. So its coming into being ends the
/// job, and what was planted is removed. Looked for with every look at the memory, and at the end: an inotify watch
/// would see it at once, but giving one up makes every launch wait for the kernel (15 ms).
struct PlantWatch {
    static let name: OSString = "commondir"

    private let folders: [OSString]

    /// - Parameter plan: its anchors are the repositories in writable roots.
    init(_ plan: LaunchPlan) {
        var folders: [OSString] = []
        for case .bind(let bind) in plan.steps where bind.purpose == .anchor && bind.target.lastComponent == ".git" {
            // A repository that has the file already is a worktree's: what it names is not ours to judge here.
            if !PlantWatch.exists(bind.source.appending(PlantWatch.name)) { folders.append(bind.source) }
        }
        self.folders = folders
    }

    /// What was planted, if anything.
    func planted() -> OSString? {
        for folder in folders where PlantWatch.exists(folder.appending(PlantWatch.name)) {
            return folder.appending(PlantWatch.name)
        }
        return nil
    }

    /// Takes away what the job planted; the place must be gone.
    ///
    /// The folder is opened without following any link: as root, its owner must not send us elsewhere.
    func remove() {
        let flags = UInt64(CS_O_PATH | CS_O_DIRECTORY)
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        for folder in folders {
            let number = folder.withPointer { cs_openat2(FileReading.currentFolder, $0, flags, 0, resolve) }
            guard number >= 0 else { continue }
            let opened = OwnedFileDescriptor(owning: Int32(number))
            _ = PlantWatch.name.withPointer { unlinkat(opened.number, $0, 0) }
        }
    }

    private static func exists(_ path: OSString) -> Bool {
        var identity = cs_identity()
        return path.withPointer { cs_identify(FileReading.currentFolder, $0, &identity) } == 0
    }
}
