public import SandboxPlan

/// A name that a job has planted where tools obey it, as the record of its launch lists it.
public struct RecordedPlant: Hashable, Sendable {
    /// The host's, absolute.
    public var path: OSString
    public var launch: LaunchID
    /// Whether it is one of the names that its launch's policy protects: then there was nothing of it before.
    public var isProtectedName: Bool

    /// What the records list and was not taken away at the end of the launch; the latest launch that lists a path counts.
    ///
    /// - Parameter launches: in the order of their records.
    /// - Returns: each path once.
    public static func listed(in launches: [RecordedLaunch]) -> [RecordedPlant] {
        var plants: [RecordedPlant?] = []
        var places: [OSString: Int] = [:]
        for launch in launches {
            let predicate = launch.outcome?["predicate"]
            let removed = paths(predicate?["removed"])
            let planted = paths(predicate?["planted"])
            if planted.isEmpty { continue }
            let protected = Set(paths(launch.opening["predicate"]?["policy"]?["filesystem"]?["protect"]))
            for path in planted {
                if let earlier = places[path] { plants[earlier] = nil }
                places[path] = plants.count
                if removed.contains(path) {
                    plants.append(nil)
                } else {
                    let isProtected = protected.contains { path.hasTail($0) }
                    plants.append(RecordedPlant(path: path, launch: launch.id, isProtectedName: isProtected))
                }
            }
        }
        return plants.compactMap { $0 }
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
    ///   - until: when it had ended: what has come into being since is somebody else's.
    ///   - owner: whom the job ran as.
    ///   - group: the same.
    /// - Returns: whether it is gone, or no repository any more.
    public func remove(from root: OSString, since: Int64, until: Int64, owner: UInt32, group: UInt32) -> Bool {
        precondition(path.isWithin(root) && path != root, "\(path) does not lie in \(root)")
        let removal = PlantRemoval(since: since, until: until, owner: owner, group: group, isRoots: owner == 0)
        // By what the record lists, not by what is left of it: a folder of work that was made a repository stays one of work.
        let kind: HostRepository.Kind? = path.lastComponent == ".git" ? .folder : isProtectedName ? nil : .bare
        return removal.remove([PlantRemoval.Plant(path: path, root: root, kind: kind)]) == [path]
    }
}

extension OSString {
    /// Whether it ends with the names of `tail`, whole.
    fileprivate func hasTail(_ tail: OSString) -> Bool {
        let own = components
        let wanted = tail.components
        return !wanted.isEmpty && own.count >= wanted.count && own.suffix(wanted.count).elementsEqual(wanted)
    }
}
