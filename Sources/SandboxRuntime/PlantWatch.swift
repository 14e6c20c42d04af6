internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Watches writable roots for files that would make git take its settings from elsewhere.
///
/// Three ways lead past a protected `.git/config`. git may read `.git/config.worktree` after it. git takes config and
/// hooks from the folder that `.git/commondir` names (gitrepository-layout(5)); a main repository has no such file. And a
/// folder is a git folder itself once it has a `HEAD` with `objects` and `refs`, or with a `commondir` that names a folder
/// which has them: that counts as soon as the `.git` in it is broken, or where there is none.
///
/// Where there is a `.git`, covers keep these names from the job (RootMounts): a look every 50 ms comes too late for a
/// host's git that looks in between. This is the second line, and the first where there is no `.git`. What comes into being
/// ends the job, and is removed; so does a `.git/HEAD` that is no file any more. Looked for with every look at the memory,
/// and at the end: an inotify watch would see it at once, but giving one up makes every launch wait for the kernel (15 ms).
///
/// The folders are kept open: whoever gives one another name changes nothing for the job in it. A class, to close them.
final class PlantWatch {
    private enum Rule {
        /// Nothing else is to stand there than did at the start.
        case settings
        /// `.git/HEAD` is to stay a file: without it git looks for a repository elsewhere.
        case head
        /// `HEAD` in a root is not to make it a git folder.
        case layout
    }

    private struct Folder {
        var path: OSString
        /// O_PATH.
        var number: Int32

        func look(_ name: OSString) -> Look {
            var found = cs_identity()
            let result = name.withPointer { cs_identify(number, $0, &found) }
            if result == Int(-ENOENT) || result == Int(-ENOTDIR) { return .missing }
            return result == 0 ? .there(found.mode & S_IFMT, device: found.device, inode: found.inode) : .hidden
        }
    }

    /// A name in a folder.
    private struct Watched {
        var folder: Folder
        var name: OSString
        var rule: Rule
        /// What was there before the job, our own placeholders included.
        var before: Look

        var path: OSString { folder.path.appending(name) }
        var now: Look { folder.look(name) }
    }

    /// Read after `config` where `extensions.worktreeConfig` is on (git-config(1)).
    private static let worktreeSettings: OSString = "config.worktree"
    private static let head: OSString = "HEAD"

    private let watched: [Watched]
    private var folders: [Int32] = []

    /// - Parameter plan: its anchors are the repositories in writable roots.
    /// - Throws: `Refusal` for a folder that cannot be watched: the job would be ended for it at the first look.
    init(_ plan: LaunchPlan) throws(Refusal) {
        var watched: [Watched] = []
        // Of repositories deeper in them the covers alone keep these names: a job may well remove a clone.
        var roots: [OSString] = []
        for case .bind(let bind) in plan.steps where bind.purpose == .workspace || bind.purpose == .write {
            roots.append(bind.target)
        }
        for case .bind(let bind) in plan.steps {
            let isRepository: Bool
            switch bind.purpose {
            case .anchor: isRepository = true
            case .workspace, .write: isRepository = false
            case .system, .settings, .device, .read, .protected, .containerProc: continue
            }
            let isWatched =
                isRepository
                ? bind.target.lastComponent == ".git" && roots.contains(bind.target.parent)
                : bind.isDirectory && !bind.options.contains(.readOnly)
            guard isWatched else { continue }
            let folder = try PlantWatch.opened(bind)
            folders.append(folder.number)
            func watch(
                _ name: OSString,
                _ rule: Rule,
                if isMeant: (Look) -> Bool = { _ in true }
            ) throws(Refusal) {
                let before = folder.look(name)
                if before == .hidden { throw PlantWatch.refusal(folder.path.appending(name)) }
                if isMeant(before) { watched.append(Watched(folder: folder, name: name, rule: rule, before: before)) }
            }
            guard isRepository else {
                try watch(PlantWatch.head, .layout)
                continue
            }
            try watch(CommonFolder.name, .settings)
            // Settings that were there are a protected name; who changes them is on the host.
            try watch(PlantWatch.worktreeSettings, .settings) {
                $0 == .missing || plan.placeholders.contains(bind.source.appending(PlantWatch.worktreeSettings))
            }
            try watch(PlantWatch.head, .head) { $0.isFileOrLink }
        }
        self.watched = watched
    }

    deinit {
        for number in folders where number >= 0 { _ = close(number) }
    }

    /// Without following any link: as root, the folder's owner must not send us elsewhere.
    private static func opened(_ bind: BindMount) throws(Refusal) -> Folder {
        let number = Int32(ClosedFolder.descriptor(bind.source))
        guard number >= 0 else { throw refusal(bind.source) }
        var found = cs_identity()
        let isIt =
            cs_identify(number, "", &found) == 0 && found.inode == bind.identity.inode
            && found.device == bind.identity.device
        if isIt { return Folder(path: bind.source, number: number) }
        _ = close(number)
        throw refusal(bind.source)
    }

    private static func refusal(_ path: OSString) -> Refusal {
        Refusal(
            stage: "verify",
            subject: path.description,
            message: "\(path) cannot be looked at, or is not what it was: what the job plants there would not be seen",
            remedy: "see that you may look into that folder, and that nobody moves it, and try again",
            layer: .mounts
        )
    }

    /// What was planted or broken, if anything, or cannot be looked at any more: in words.
    func finding() -> String? {
        for entry in watched {
            let now = entry.now
            switch (entry.rule, now) {
            case (_, .hidden): return "\(entry.path) cannot be looked at any more"
            case (.settings, .missing): continue
            case (.settings, .there): if now != entry.before { return "\(entry.path) was planted" }
            case (.head, _): if !now.isFileOrLink { return "\(entry.path) is no file any more" }
            case (.layout, _): if PlantWatch.isGitFolder(entry.folder, now) { return "\(entry.path) was planted" }
            }
        }
        return nil
    }

    /// Takes away what the job planted; the place must be gone, and the covers still there.
    ///
    /// A folder of ours that the job has closed is opened again: of what stays hidden nothing is claimed.
    func settled() -> Plants {
        guard let finding = finding() else { return Plants() }
        var plants = Plants(finding: finding)
        for entry in watched where entry.now == .hidden { _ = ClosedFolder.open(entry.folder.number) }
        let isBroken = watched.contains { $0.rule == .head && !$0.now.isFileOrLink }
        for entry in watched {
            guard isPlanted(entry, isBroken: isBroken) else { continue }
            // What was there before the job is not ours to remove.
            if entry.rule == .settings || entry.before == .missing { PlantWatch.remove(entry) }
            if isPlanted(entry, isBroken: isBroken) {
                plants.remaining.append(entry.path)
            } else {
                plants.removed.append(entry.path)
            }
        }
        return plants
    }

    /// A `HEAD` that the job has made beside a broken `.git` is a part of what is to replace it.
    private func isPlanted(_ entry: Watched, isBroken: Bool) -> Bool {
        let now = entry.now
        switch entry.rule {
        case .settings: return now.isThere && now != entry.before
        case .head: return false
        case .layout:
            return PlantWatch.isGitFolder(entry.folder, now)
                || isBroken && entry.before == .missing && now.isFileOrLink
        }
    }

    private static func remove(_ entry: Watched) {
        let folder = entry.folder.number
        for _ in 0..<2 {
            // A link is removed and not followed.
            var result = entry.name.withPointer { unlinkat(folder, $0, 0) == 0 ? 0 : errno }
            if result == EISDIR {
                result = entry.name.withPointer { unlinkat(folder, $0, AT_REMOVEDIR) == 0 ? 0 : errno }
            }
            guard result == EACCES || result == EPERM, ClosedFolder.open(folder) else { return }
        }
    }

    /// What git looks for in a folder that has no `.git` it can use; `found` is its `HEAD`, which nearly always is missing.
    private static func isGitFolder(_ folder: Folder, _ found: Look) -> Bool {
        guard found.isFileOrLink else { return false }
        // git gives up on a folder there, as our cover is one.
        let common = folder.look(CommonFolder.name)
        if common.isThere && !common.isFolder { return true }
        return folder.look("objects") != .missing && folder.look("refs") != .missing
    }

    private enum Look: Equatable {
        case missing
        /// It cannot be looked at. A job may have closed the folder (chmod(2)) to hide what it has put there.
        case hidden
        /// Its type (stat(2), S_IFMT), a link being a link, and which one it is.
        case there(mode_t, device: UInt64, inode: UInt64)

        var isThere: Bool { if case .there = self { true } else { false } }

        var isFolder: Bool { if case .there(S_IFDIR, _, _) = self { true } else { false } }

        var isFileOrLink: Bool {
            switch self {
            case .there(let type, _, _): type == S_IFREG || type == S_IFLNK
            case .missing, .hidden: false
            }
        }
    }
}
