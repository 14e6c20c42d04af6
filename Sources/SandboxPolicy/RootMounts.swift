internal import SandboxPlan

/// The mounts of the workspace and the further roots, with what is kept from the job in them.
///
/// All of them are made shallow before deep, so that none lands on top of a deeper one. At one path the root comes
/// first, then the folder that is held, the protected name, the denied path: the last one is what the job meets.
struct RootMounts {
    let planner: MountPlanner
    let roots: PlaceRoots
    /// Denied paths of which something would be seen.
    private let denied: [OSString]
    /// The roots, and what the place shows by itself.
    private let shown: [OSString]
    /// Denied paths where every other place has something of its own.
    private let leftOut: [OSString]
    private var layers: [Layer] = []
    /// Folders that are mount points already, so that none is made twice.
    private var held: [OSString] = []
    /// Folders in writable ones that have a `.git` of their own: the protected names hold in them, too.
    var works: [OSString] = []

    /// What is mounted at one path.
    private struct Layer {
        var path: OSString
        var steps: [LaunchStep]
    }

    var policy: Policy { planner.policy }
    var host: HostFacts { planner.host }

    init(planner: MountPlanner) {
        self.planner = planner
        let roots = PlaceRoots(planner.policy, planner.request)
        self.roots = roots
        let shown = roots.all.map(\.path) + PathInventory.shownByItself(planner.policy, planner.request)
        self.shown = shown
        // What the place would make for itself there is not made (GeneratedSettings), so only a root can show something.
        let deny = planner.policy.filesystem.deny
        let settings = deny.isEmpty ? [] : GeneratedSettings.paths(planner.policy)
        let leftOut = settings.filter { path in deny.contains(path) && !roots.all.contains { $0.path == path } }
        self.leftOut = leftOut
        denied = deny.filter { RootMounts.isSeen($0, shown) && !leftOut.contains($0) }.sorted { $0.depth < $1.depth }
    }

    /// Whether the place would show something under this name.
    private static func isSeen(_ path: OSString, _ shown: [OSString]) -> Bool {
        // What is covered for every job needs no second cover, and a process of the host's has no name in the place.
        if PathInventory.isCoveredProc(path) || PathInventory.isProcess(path) { return false }
        // Around something that the place shows by itself there is nothing left to cover (MountPlanner.isLeftOut).
        return shown.contains { path.isWithin($0) }
    }

    /// Appends the steps; at the end of all mounts, since a root may lie below what the place has of its own.
    consuming func add(to result: inout MountPlanner.Result) throws(Refusal) {
        try check()
        let all = roots.all
        let different = all.indices.filter { index in !all[..<index].contains { $0.path == all[index].path } }
        for root in different.map({ all[$0] }).sorted(by: { $0.path.depth < $1.path.depth }) {
            try show(root, &result)
            if root.isWritable {
                try holdSettings(of: root.path, &result)
                try protect(root.path, &result)
                try except(in: root.path)
                try holdLayout(of: root.path, &result)
            }
        }
        try holdRepositories(&result)
        for path in planner.request.policyFiles { try protectPolicyFile(path) }
        try deny(&result)
        // The position is part of the order: sort(by:) promises nothing for equal depths.
        let ordered = layers.enumerated().sorted {
            ($0.element.path.depth, $0.offset) < ($1.element.path.depth, $1.offset)
        }
        if result.coversFiles { result.steps += CoverFile.steps }
        for layer in ordered { result.steps += layer.element.steps }
    }

    private func check() throws(Refusal) {
        for (index, root) in roots.all.enumerated() {
            try RootCheck.check(root.path, writable: root.isWritable, request: planner.request)
            if let other = roots.all[..<index].first(where: { $0.path == root.path }),
                other.isWritable != root.isWritable
            {
                throw refusal(root.path, "\(root.path) is asked for both read-only and writable", "name it once")
            }
            if let outer = policy.filesystem.deny.first(where: { root.path.isWithin($0) && root.path != $0 }) {
                throw refusal(
                    root.path,
                    "\(root.path) lies in \(outer), which is denied",
                    "leave one of them out, or deny what is to be denied beside it"
                )
            }
            if root.isWritable {
                try RootCheck.checkRepository(root.path, host)
                try checkProtected(root.path)
            }
        }
        for path in policy.filesystem.deny { try checkDenied(path) }
        try checkNoRepository()
    }

    /// What no job can do without: it would end in a refusal of some later step, which says nothing of the cause.
    private func checkDenied(_ path: OSString) throws(Refusal) {
        try RootCheck.checkDenied(path, planner.request)
        if ["/dev", "/etc", "/proc"].contains(path) {
            throw refusal(
                path,
                "\(path) cannot be denied: the sandbox has one of its own, with what every command needs",
                "deny what is to be denied in it, name by name"
            )
        }
    }

    /// A root of its own would lie on top of what keeps the name, whatever the folder around it is shown as.
    private func checkProtected(_ path: OSString) throws(Refusal) {
        for outer in roots.all where outer.path != path {
            for name in policy.filesystem.protect where path.isWithin(outer.path.appending(name)) {
                let kept = outer.path.appending(name)
                throw refusal(
                    path,
                    "the writable path \(path) \(path == kept ? "is" : "lies in \(kept), which is") protected",
                    "leave it out, or take another folder as the workspace"
                )
            }
        }
    }

    private mutating func show(_ root: PlaceRoots.Root, _ result: inout MountPlanner.Result) throws(Refusal) {
        let purpose: BindMount.Purpose =
            root.path == planner.request.workspace ? .workspace : root.isWritable ? .write : .read
        try holdWay(to: root.path)
        var steps: [LaunchStep] = []
        switch host.entry(root.path) {
        case .directory(let identity):
            steps.append(planner.bind(root.path, identity, true, purpose, writable: root.isWritable))
        case .file(let identity) where purpose != .workspace:
            if !root.isWritable && roots.writableRoot(around: root.path) != nil {
                try checkLinks(identity, root.path, "the job could change it by another one")
            }
            steps.append(planner.bind(root.path, identity, false, purpose, writable: root.isWritable))
        case let entry:
            throw planner.unusable(root.path, entry, purpose == .workspace ? "a folder" : "a file or a folder")
        }
        layers.append(Layer(path: root.path, steps: steps))
        if root.isWritable {
            result.writable.append(root.path)
        } else {
            result.readable.append(root.path)
        }
    }

    // MARK: - What is kept from the job

    /// `.git/commondir`: by it git would take other settings than those that are protected.
    ///
    /// Watching for it is not enough: a host's git that looks in one millisecond obeys what lies there in that one.
    mutating func holdSettings(of root: OSString, _ result: inout MountPlanner.Result) throws(Refusal) {
        let git = root.appending(PathInventory.gitFolder)
        let path = git.appending(CommonFolder.name)
        guard policy.git != .none, case .directory = host.entry(git), roots.isWritable(path), !isDenied(git),
            try hold(from: root, to: path)
        else { return }
        switch host.entry(path) {
        case .absent: cover(path, with: .ownCommonFolder, &result)
        case .file(let identity):
            // One that says what holds without it, or the launch was refused (`Preparation`).
            try checkLinks(identity, path, "the job could change it by another one")
            add(path, planner.bind(path, identity, false, .protected))
        case .directory, .symlink, .socket, .characterDevice, .other, .throughLink, .unreadable:
            throw CommonFolder.refusal(path)
        }
    }

    /// A bare repository's layout beside `.git`: git obeys it as soon as `.git` is broken, which is the job's to do.
    ///
    /// git gives up on a `commondir` that is a folder, and looks for none where there is no `HEAD`.
    mutating func holdLayout(of root: OSString, _ result: inout MountPlanner.Result) throws(Refusal) {
        let path = root.appending(CommonFolder.name)
        let git = root.appending(PathInventory.gitFolder)
        guard policy.git != .none, case .directory = host.entry(git), roots.isWritable(git), !isDenied(git),
            roots.isWritable(path)
        else { return }
        switch host.entry(path) {
        case .absent: cover(path, with: .emptyFolder, &result)
        case .directory(let identity):
            // Perhaps the project's own: as it is, but not to be moved away.
            if isDenied(path) || held.contains(path) { return }
            held.append(path)
            add(path, planner.bind(path, identity, true, .anchor, writable: true))
        case .file, .symlink, .socket, .characterDevice, .other, .throughLink, .unreadable:
            throw refusal(
                path,
                "git takes \(root) for a repository by itself when the job puts a file HEAD beside \(path)",
                "give \(path) another name"
            )
        }
    }

    /// Makes every folder on the way to a path a mount point of itself: such a folder cannot be renamed (EBUSY).
    ///
    /// - Returns: whether the path can be there: false when a folder on the way is missing or is a file.
    mutating func hold(from root: OSString, to path: OSString) throws(Refusal) -> Bool {
        for folder in roots.foldersToHold(from: root, to: path) {
            switch host.entry(folder) {
            case .directory(let identity):
                // What is read-only cannot be renamed either, and an anchor would open it.
                if held.contains(folder) || isKept(folder) { continue }
                held.append(folder)
                add(folder, planner.bind(folder, identity, true, .anchor, writable: true))
            case .file(let identity):
                // `.git` of a worktree: a file that names a folder; read-only as it is.
                if !held.contains(folder) { add(folder, planner.bind(folder, identity, false, .protected)) }
                held.append(folder)
                return false
            case .absent: return false
            case let entry: throw planner.unusable(folder, entry, "a file or a folder of its own")
            }
        }
        return true
    }

    /// Whether a folder is a protected name or lies in one, and is a mount point or read-only by that: but for what lies in an
    /// exception, where the job can write.
    private func isKept(_ folder: OSString) -> Bool {
        let isInRoot = roots.all.contains { root in
            policy.filesystem.protect.contains { folder.isWithin(root.path.appending($0)) }
                && !policy.filesystem.except.contains {
                    let except = root.path.appending($0)
                    return folder.isWithin(except) && folder != except
                }
        }
        if isInRoot { return true }
        return works.contains { work in policy.filesystem.protect.contains { folder.isWithin(work.appending($0)) } }
    }

    /// The same for something that is there: a way that is not as it was looked at is no way.
    private mutating func holdWay(to path: OSString) throws(Refusal) {
        guard let root = roots.writableRoot(around: path), try !hold(from: root, to: path) else { return }
        throw refusal(
            path,
            "there is no \(path): a folder on the way to it is missing",
            "make it, or name another path"
        )
    }

    /// Protected names directly in a writable root: read-only on top of it.
    mutating func protect(_ root: OSString, _ result: inout MountPlanner.Result) throws(Refusal) {
        guard case .directory = host.entry(root) else { return }
        // Of a repository in a writable folder nothing is covered but what git obeys.
        let isNested = works.contains(root)
        for name in policy.filesystem.protect {
            let path = root.appending(name)
            // All of it is read-only and empty.
            if policy.git == .none && path.parent == root.appending(PathInventory.gitFolder) { continue }
            // Beneath a read-only root or a denied path nothing is left to protect.
            guard roots.isWritable(path), !isCoveredByDenial(path), try hold(from: root, to: path) else { continue }
            switch host.entry(path) {
            case .directory(let identity): add(path, planner.bind(path, identity, true, .protected))
            case .file(let identity):
                try checkLinks(identity, path, "the job could change it by another one")
                add(path, planner.bind(path, identity, false, .protected))
            case .absent:
                if path.parent == root && (isNested || !policy.filesystem.coverMissing.contains(name)) { continue }
                // git fails on an empty folder there, and takes an empty file for no settings.
                if name == ".git/config.worktree" {
                    cover(path, with: .emptyFile, &result)
                    continue
                }
                if name == ".git/config" {
                    throw refusal(
                        path,
                        "\(path.parent) has no config file to protect, and git takes one from there",
                        "make it a repository with `git init`, or remove the folder"
                    )
                }
                cover(path, with: .emptyFolder, &result)
            case let entry: throw planner.unusable(path, entry, "a file or a folder of its own")
            }
        }
    }

    /// Names in a protected one that the job may write all the same: what is there, on top of what is read-only.
    private mutating func except(in root: OSString) throws(Refusal) {
        guard case .directory = host.entry(root) else { return }
        for name in policy.filesystem.except {
            let path = root.appending(name)
            // In nothing protected it is writable anyway; protected itself, or denied, it is not to be.
            let around = policy.filesystem.protect.map { root.appending($0) }.filter { path.isWithin($0) }
            if around.isEmpty || around.contains(path) || !roots.isWritable(path) || isDenied(path) { continue }
            switch host.entry(path) {
            case .file(let identity):
                try checkLinks(identity, path, "the job would write to the other, too")
                add(path, planner.bind(path, identity, false, .write, writable: true))
            case .directory:
                throw refusal(
                    path,
                    "\(path) is a folder, and what the job may write in a protected one is a file",
                    "put an empty file in its place, or leave it out of filesystem.except"
                )
            // What is asked of the workspace need not be in further writable folders.
            case .absent where root != planner.request.workspace: continue
            case .absent:
                throw refusal(
                    path,
                    "there is no \(path) for the job to write: in a protected folder it cannot make it",
                    "make it, empty (mkdir -p, touch), or leave it out of filesystem.except"
                )
            case let entry: throw planner.unusable(path, entry, "a file of its own")
            }
        }
    }

    /// A file that the policy was read from: it also decides about the next launch.
    private mutating func protectPolicyFile(_ path: OSString) throws(Refusal) {
        guard roots.isWritable(path), !isDenied(path) else { return }
        let isProtected = roots.writable.contains { root in
            policy.filesystem.protect.contains { path.isWithin(root.appending($0)) }
                && !policy.filesystem.except.contains { path.isWithin(root.appending($0)) }
        }
        if isProtected { return }
        guard roots.writableRoot(around: path) != nil else {
            throw refusal(path, "the policy \(path) is a writable path itself", "keep it where the job does not write")
        }
        guard case .file(let identity) = host.entry(path) else {
            throw planner.unusable(path, host.entry(path), "a file of its own")
        }
        try checkLinks(identity, path, "the job could change the policy by another one")
        try holdWay(to: path)
        add(path, planner.bind(path, identity, false, .protected))
    }

    private mutating func deny(_ result: inout MountPlanner.Result) throws(Refusal) {
        for path in policy.filesystem.deny where !denied.contains(path) {
            // By its real name it may be seen, or something that is.
            if case .throughLink(let resolved) = host.entry(path), !isDenied(resolved),
                RootMounts.isSeen(resolved, shown) || shown.contains(where: { $0.isWithin(resolved) })
            {
                throw planner.unusable(path, host.entry(path), "a file or a folder")
            }
            let why =
                leftOut.contains(path)
                ? "the sandbox has none of its own there"
                : PathInventory.isCoveredProc(path) ? "is covered for every job" : "nothing of it is visible anyway"
            result.notes.append("deny \(path): \(why)")
        }
        for path in denied {
            // In another denied path there is nothing left to cover, be that one covered or left out.
            if policy.filesystem.deny.contains(where: { path.isWithin($0) && path != $0 }) { continue }
            let cover: Cover
            switch host.entry(path) {
            case .absent:
                result.notes.append("deny \(path): does not exist now; if the job makes it, it is the job's own")
                continue
            case .directory: cover = .unreadableFolder
            case .file(let identity), .socket(let identity), .other(let identity),
                .characterDevice(let identity, _, _):
                try checkLinks(identity, path, "it stays readable by another one")
                cover = .unreadableFile
            case let entry: throw planner.unusable(path, entry, "a file or a folder")
            }
            try holdWay(to: path)
            add(path, .cover(path: path, with: cover))
        }
    }

    /// A cover hides a name; a file that has several is not hidden by it.
    func checkLinks(_ identity: FileIdentity, _ path: OSString, _ consequence: String) throws(Refusal) {
        guard identity.links > 1 else { return }
        throw refusal(
            path,
            "\(path) has \(identity.links) names (hard links), and \(consequence)",
            "give it one name: remove the others (`find -samefile` finds them), or put a copy in its place"
        )
    }

    // MARK: -

    /// A name that is not there: something stands for it on the host while the job runs, and is covered in the place.
    mutating func cover(_ path: OSString, with cover: Cover, _ result: inout MountPlanner.Result) {
        result.missing.append(path)
        if cover != .emptyFolder { result.coversFiles = true }
        add(path, .cover(path: path, with: cover))
    }

    /// Denied where nothing stands covers nothing: then the name stays protected.
    func isCoveredByDenial(_ path: OSString) -> Bool {
        denied.contains { path.isWithin($0) && host.entry($0) != .absent }
    }

    func isDenied(_ path: OSString) -> Bool { leftOut.contains(path) || denied.contains { path.isWithin($0) } }

    mutating func add(_ path: OSString, _ step: LaunchStep) {
        layers.append(Layer(path: path, steps: [step]))
    }

    func refusal(_ path: OSString, _ message: String, _ remedy: String) -> Refusal {
        Refusal(stage: "plan", subject: path.description, message: message, remedy: remedy, layer: .mounts)
    }
}
