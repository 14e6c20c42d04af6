internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Watches writable roots for files that would make git take its settings from elsewhere.
///
/// Three ways lead past a protected `.git/config`. git may read `.git/config.worktree` after it. git takes config and hooks from the folder that `.git/commondir` names
/// (gitrepository-layout(5)); a main repository has no such file. And a folder is a git folder itself once it has a
/// `HEAD` with `objects` and `refs`, or with a `commondir` that names a folder which has them: that counts as soon as
/// the `.git` in it is broken, or where there is none. None of these names can be covered in advance: an empty one makes
/// git fail, or is the project's own. So their coming into being ends the job, and what was planted is removed. Looked
/// for with every look at the memory, and at the end: an inotify watch would see it at once, but giving one up makes
/// every launch wait for the kernel (15 ms).
struct PlantWatch {
    /// A folder, and the file in it that is not to come into being.
    private struct Watched {
        var folder: OSString
        var name: OSString
        /// Whether the file alone does it; else only with what makes the folder a git folder.
        var counts: Bool
        /// What was there before the job is not ours to remove.
        var isRemovable: Bool
    }

    private static let commonFolder: OSString = "commondir"
    /// Read after `config` where `extensions.worktreeConfig` is on (git-config(1)).
    private static let worktreeSettings: OSString = "config.worktree"
    private static let head: OSString = "HEAD"

    private let watched: [Watched]

    /// - Parameter plan: its anchors are the repositories in writable roots.
    init(_ plan: LaunchPlan) {
        var watched: [Watched] = []
        for case .bind(let bind) in plan.steps {
            switch bind.purpose {
            case .anchor:
                guard bind.target.lastComponent == ".git" else { continue }
                // A repository that has the file already: a worktree's, and what it names is not ours to judge here, or
                // settings that are a protected name.
                for name in [PlantWatch.commonFolder, PlantWatch.worktreeSettings]
                where PlantWatch.look(at: bind.source.appending(name)) == .missing {
                    watched.append(Watched(folder: bind.source, name: name, counts: true, isRemovable: true))
                }
            case .workspace, .write:
                guard bind.isDirectory, !bind.options.contains(.readOnly) else { continue }
                let isMissing = PlantWatch.look(at: bind.source.appending(PlantWatch.head)) == .missing
                watched.append(
                    Watched(folder: bind.source, name: PlantWatch.head, counts: false, isRemovable: isMissing)
                )
            case .system, .settings, .device, .read, .protected: continue
            }
        }
        self.watched = watched
    }

    /// What was planted, if anything, or cannot be looked at any more: in words.
    func finding() -> String? {
        guard let entry = watched.first(where: PlantWatch.isPlanted) else { return nil }
        let path = entry.folder.appending(entry.name)
        return PlantWatch.look(at: path) == .hidden ? "\(path) cannot be looked at any more" : "\(path) was planted"
    }

    /// Everything that was planted and seen; of what is hidden nothing is claimed.
    func allPlanted() -> [OSString] {
        watched.filter(PlantWatch.isPlanted).map { $0.folder.appending($0.name) }
            .filter { PlantWatch.look(at: $0) != .hidden }
    }

    /// Takes away what the job planted; the place must be gone.
    ///
    /// The folder is opened without following any link: as root, its owner must not send us elsewhere.
    func remove() {
        let flags = UInt64(CS_O_PATH | CS_O_DIRECTORY)
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        for entry in watched where entry.isRemovable && PlantWatch.isPlanted(entry) {
            let number = entry.folder.withPointer { cs_openat2(FileReading.currentFolder, $0, flags, 0, resolve) }
            guard number >= 0 else { continue }
            let opened = OwnedFileDescriptor(owning: Int32(number))
            // A link is removed and not followed, a folder refused (unlink(2)): git takes neither file from a folder.
            _ = entry.name.withPointer { unlinkat(opened.number, $0, 0) }
        }
    }

    private static func isPlanted(_ entry: Watched) -> Bool {
        entry.counts
            ? look(at: entry.folder.appending(entry.name)) != .missing : isGitFolder(entry.folder, ifHidden: true)
    }

    /// What git looks for in a folder that has no `.git` it can use; nearly always the first name is missing.
    private static func isGitFolder(_ folder: OSString, ifHidden: Bool) -> Bool {
        switch look(at: folder.appending(head)) {
        case .missing: return false
        case .hidden: return ifHidden
        case .there(let kind): guard kind == S_IFREG || kind == S_IFLNK else { return false }
        }
        if look(at: folder.appending(commonFolder)) != .missing { return true }
        return look(at: folder.appending("objects")) != .missing && look(at: folder.appending("refs")) != .missing
    }

    private enum Look: Equatable {
        case missing
        /// It cannot be looked at. A job may have closed the folder (chmod(2)) to hide what it has put there.
        case hidden
        /// Its type (stat(2), S_IFMT); a link is a link.
        case there(mode_t)
    }

    private static func look(at path: OSString) -> Look {
        var identity = cs_identity()
        let result = path.withPointer { cs_identify(FileReading.currentFolder, $0, &identity) }
        if result == Int(-ENOENT) || result == Int(-ENOTDIR) { return .missing }
        return result == 0 ? .there(identity.mode & S_IFMT) : .hidden
    }
}
