public import SandboxPlan

/// Protected names of one writable root that were not there when the host was looked at, and that nothing covers.
///
/// Nobody keeps a job from making them: at most four missing names are covered, and git would take an empty `.git` for a
/// broken one. So they are looked for again when the job is gone.
public struct MissingNames: Hashable, Sendable {
    /// The writable root.
    public var root: OSString
    /// Relative to the root; of a protected `.git/config` in a folder without `.git`, that is `.git`.
    public var names: [OSString]

    /// Those of every writable folder; a root without any is left out.
    ///
    /// - Parameters:
    ///   - policy: with the command line's words over it.
    ///   - request: names the workspace.
    ///   - host: what was looked at before the launch.
    ///   - covered: paths on which the launch put a cover.
    /// - Returns: root by root, in the policy's order.
    public static func all(
        _ policy: Policy,
        _ request: LaunchRequest,
        _ host: HostFacts,
        covered: [OSString]
    ) -> [MissingNames] {
        var found: [MissingNames] = []
        for root in PlaceRoots(policy, request).writable {
            guard case .directory = host.entry(root) else { continue }
            var names: [OSString] = []
            for name in policy.filesystem.protect {
                guard let missing = firstMissing(of: name, in: root, host) else { continue }
                if !covered.contains(root.appending(missing)) && !names.contains(missing) { names.append(missing) }
            }
            if !names.isEmpty { found.append(MissingNames(root: root, names: names)) }
        }
        return found
    }

    /// The name, or the first folder on the way to it, that was absent.
    private static func firstMissing(of name: OSString, in root: OSString, _ host: HostFacts) -> OSString? {
        var part: OSString = ""
        for component in name.components {
            part = part.appending(component)
            switch host.entries[root.appending(part)] {
            case .absent: return part
            case .directory: continue
            // Something else is there, and was refused or made read-only; of what nobody looked at nothing can be said.
            case .file, .symlink, .socket, .characterDevice, .other, .throughLink, .unreadable, nil: return nil
            }
        }
        return nil
    }
}
