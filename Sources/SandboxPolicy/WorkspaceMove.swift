internal import SandboxPlan

/// A workspace that the job finds at a path of the place's choosing (`/workspace`), as workers of other systems expect it.
///
/// Everything is planned by the host's names, by which rules and protected names compare; at the end the place's side of it is
/// moved as a whole. So nothing is protected by one name and shown by another.
struct WorkspaceMove {
    /// Where a workspace can be shown: nothing of the system or of the place is there.
    static let home: OSString = "/workspace"

    let names: WorkspaceNames

    /// Nil where the workspace is shown at its own path.
    ///
    /// - Throws: `Refusal` where both names would show something, or the path cannot be one of a workspace.
    init?(_ policy: Policy, _ request: LaunchRequest, _ identity: IdentityPlan) throws(Refusal) {
        guard let inside = request.workspaceInside, inside != request.workspace else { return nil }
        names = WorkspaceNames(host: request.workspace, inside: inside)
        func refusal(_ message: String, _ remedy: String) -> Refusal {
            Refusal(
                stage: "plan",
                subject: inside.description,
                message: message,
                remedy: remedy,
                layer: .mounts
            )
        }
        guard inside.normalised == inside, inside.isWithin(Self.home) else {
            throw refusal("a workspace cannot be shown at \(inside)", "show it at \(Self.home) or below it")
        }
        if identity.mapsRootOwnedWorkspace {
            throw refusal(
                "a workspace of root is shown at its own path only",
                "give it to the account whose work it is (chown)"
            )
        }
        let shown =
            PlaceRoots(policy, request).all.map(\.path).filter { $0 != request.workspace }
            + policy.filesystem.system
        for path in shown {
            if request.workspace.isWithin(path) {
                throw refusal(
                    "\(path) is shown too, and the workspace lies in it: what is kept from the job at \(inside) could be "
                        + "changed there",
                    "leave \(path) out"
                )
            }
            if path.isWithin(request.workspace) { continue }
            if path.isWithin(Self.home) || Self.home.isWithin(path) {
                throw refusal("\(path) is shown too, and is in the way", "leave \(path) out")
            }
        }
    }

    /// The same mounts with the place's names for what lies in the workspace.
    func moved(_ result: MountPlanner.Result) -> MountPlanner.Result {
        var result = result
        result.steps = result.steps.map(moved)
        result.writable = result.writable.map(names.inside)
        result.readable = result.readable.map(names.inside)
        return result
    }

    private func moved(_ step: LaunchStep) -> LaunchStep {
        switch step {
        case .bind(var bind):
            // The system's, and the place's own files, are what they are wherever the workspace lies.
            switch bind.purpose {
            case .system, .settings, .device, .containerProc: return step
            case .workspace, .read, .write, .anchor, .protected: break
            }
            bind.target = names.inside(bind.target)
            return .bind(bind)
        case .cover(let path, let cover): return .cover(path: names.inside(path), with: cover)
        case .privatePropagation, .newRoot, .makeFolders, .symlink, .writeFile, .tmpfs, .procfs, .rootOnly, .devpts,
            .remount,
            .enterRoot, .hostname, .loopbackUp, .forbidUserNamespaces, .freshKeyring, .limit, .attributes,
            .dropCapabilities, .noNewPrivileges, .landlock, .placeFilter, .terminals:
            return step
        }
    }
}

extension LaunchRequest {
    /// What the job calls a path of the host's.
    func inside(_ path: OSString) -> OSString {
        guard let name = workspaceInside else { return path }
        return WorkspaceNames(host: workspace, inside: name).inside(path)
    }
}
