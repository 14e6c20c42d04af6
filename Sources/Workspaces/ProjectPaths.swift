internal import SandboxPlan
internal import SandboxPolicy

/// What the paths of a policy can mean for jobs of a server, of which each has its project at `/workspace`.
enum ProjectPaths {
    /// In place of every project that may come: what means both means each.
    ///
    /// The two have no character in common but those that every UUID of ours has in the same places (`UUIDText`): the
    /// dashes, and the version. So a pattern that matches both names nothing else than those, and matches every other.
    static let standIns: [OSString] = [
        "11111111-1111-4111-9111-111111111111", "eeeeeeee-eeee-4eee-aeee-eeeeeeeeeeee",
    ]

    /// Why a policy's denials would have no effect; nil where they have.
    ///
    /// Policies name paths of the host, and who denies `/workspace/secret` means what the job sees there.
    static func why(_ policy: Policy, root: OSString) -> String? {
        let inside = WorkerLaunch.workspace
        let filesystem = policy.filesystem
        // Folders of the host that a job is shown there, or its projects: then such a path has a meaning.
        let shown = [root] + filesystem.read + filesystem.write
        for denied in filesystem.deny where denied.isWithin(inside) {
            if shown.contains(where: { denied.isWithin($0) || $0.isWithin(denied) }) { continue }
            return sentence("\(denied) in [filesystem] deny", policy)
        }
        for text in filesystem.denyGlobs where DenyPattern(text).isAbsolute {
            guard text.components.first == inside.lastComponent else { continue }
            if shown.contains(where: { $0.isWithin(inside) }) { continue }
            return sentence("\(text) in [filesystem] deny_globs", policy)
        }
        return nil
    }

    private static func sentence(_ what: String, _ policy: Policy) -> String {
        "the policy \(policy.name) has \(what), which would deny nothing: a job of a server sees its project at "
            + "\(WorkerLaunch.workspace), but policies name paths of the host; write what is meant in the project as a pattern "
            + "without a slash in front, as deny_globs = [\"secret/*.pem\"]"
    }
}
