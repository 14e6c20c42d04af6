internal import SandboxPlan

/// The workspace and the further paths that a place shows, and which of them decides about a path.
struct PlaceRoots {
    struct Root: Hashable {
        var path: OSString
        var isWritable: Bool
    }

    /// As asked for: a path may be in it twice.
    let all: [Root]

    init(_ policy: Policy, _ request: LaunchRequest) {
        all =
            [Root(path: request.workspace, isWritable: policy.workspace == .readWrite)]
            + policy.filesystem.read.map { Root(path: $0, isWritable: false) }
            + policy.filesystem.write.map { Root(path: $0, isWritable: true) }
    }

    var writable: [OSString] { all.filter(\.isWritable).map(\.path) }

    /// The deepest root that the path is or lies in: the one whose rights it has.
    func owner(of path: OSString) -> Root? {
        all.filter { path.isWithin($0.path) }.max { $0.path.depth < $1.path.depth }
    }

    func isWritable(_ path: OSString) -> Bool { owner(of: path)?.isWritable ?? false }

    /// The root that something put on top of `path` stands in; nil where nothing on the way to it can be renamed.
    func writableRoot(around path: OSString) -> OSString? {
        guard let owner = owner(of: path.parent), owner.isWritable, path.isWithin(owner.path), path != owner.path
        else { return nil }
        return owner.path
    }

    /// The folders between a root and a path in it that a job could rename: shallow before deep.
    ///
    /// Each of them has to be a mount point, or what stands at `path` moves away with it and another takes its name.
    func foldersToHold(from root: OSString, to path: OSString) -> [OSString] {
        var folders: [OSString] = []
        var folder = path.parent
        while folder != root && folder.isWithin(root) {
            // In a read-only root nothing is renamed, and a writable mount of the folder would open it.
            if isWritable(folder) { folders.insert(folder, at: 0) }
            folder = folder.parent
        }
        return folders
    }
}
