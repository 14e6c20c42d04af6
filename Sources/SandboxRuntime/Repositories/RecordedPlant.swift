internal import Glibc
public import SandboxPlan

/// A name that a job has planted where tools obey it, as the record of its launch lists it.
public struct RecordedPlant: Hashable, Sendable {
    /// The host's, absolute.
    public var path: OSString
    public var launch: LaunchID

    /// What the records list and was not taken away at the end of the launch; the latest launch that lists a path counts.
    ///
    /// - Parameter launches: in the order of their records.
    /// - Returns: each path once.
    public static func listed(in launches: [RecordedLaunch]) -> [RecordedPlant] {
        var plants: [RecordedPlant] = []
        for launch in launches {
            let predicate = launch.outcome?["predicate"]
            let removed = paths(predicate?["removed"])
            for path in paths(predicate?["planted"]) {
                plants.removeAll { $0.path == path }
                if !removed.contains(path) { plants.append(RecordedPlant(path: path, launch: launch.id)) }
            }
        }
        return plants
    }

    /// As `JSONWriter.bytes` writes them; what is written otherwise names nothing.
    private static func paths(_ value: JSONValue?) -> [OSString] {
        var paths: [OSString] = []
        for value in value?.array ?? [] {
            if let text = value.string {
                paths.append(OSString(text))
            } else if let text = value["bytes"]?.string, let bytes = Base64.bytes(text) {
                paths.append(OSString(bytes))
            }
        }
        return paths
    }

    /// Takes it away, as far as it is the job's: nothing that has come into being before, nothing of another account.
    ///
    /// Of a folder that has become a bare repository what makes it one, of everything else all. No process of a job may
    /// run meanwhile.
    ///
    /// - Parameters:
    ///   - root: real path of the workspace, which the path lies in.
    ///   - since: when its launch had not begun yet, in nanoseconds of the real-time clock.
    ///   - owner: whom the job ran as.
    ///   - group: the same.
    /// - Returns: whether it is gone, or no repository any more.
    public func remove(from root: OSString, since: Int64, owner: UInt32, group: UInt32) -> Bool {
        precondition(path.isWithin(root) && path != root, "\(path) does not lie in \(root)")
        let removal = PlantRemoval(since: since, owner: owner, group: group, isRoots: owner == 0)
        let kind: HostRepository.Kind? = path.lastComponent == ".git" ? .folder : isBare ? .bare : nil
        return removal.remove([PlantRemoval.Plant(path: path, root: root, kind: kind)]) == [path]
    }

    /// Every other name in the list is a protected one.
    private var isBare: Bool {
        var found = stat()
        return path.appending("HEAD").withPointer { lstat($0, &found) } == 0
    }
}
