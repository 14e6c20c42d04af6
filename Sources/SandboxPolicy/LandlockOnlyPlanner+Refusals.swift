public import SandboxPlan

/// What a policy or a caller asks for and the profile `landlock-only` cannot hold.
extension LandlockOnlyPlanner {
    static func refusal(
        _ subject: String,
        _ message: String,
        _ remedy: String,
        layer: Layer = .landlock
    ) -> Refusal {
        Refusal(stage: "plan", subject: subject, message: message, remedy: remedy, layer: layer)
    }

    static func check(_ policy: Policy, _ request: LaunchRequest, _ host: HostFacts) throws(Refusal) {
        guard host.caller.uid != 0 else {
            throw refusal(
                name,
                "the weaker profile landlock-only is not for root: without a user namespace the job would be root's process",
                "run it as the ordinary user whom the workspace belongs to",
                layer: .userNamespace
            )
        }
        let least = max(1, policy.landlock.minimumABI)
        guard host.landlockABI >= least else {
            let found = host.landlockABI == 0 ? "no Landlock" : "Landlock ABI \(host.landlockABI)"
            throw refusal(
                "landlock",
                "this kernel has \(found), and the weaker profile landlock-only needs ABI \(least): nothing else holds files",
                "boot with landlock in the list of `lsm=` (see \(HostReport.command)), or use a newer kernel"
            )
        }
        let isEmpty = [
            (PolicyKey.landlockRequirement, policy.landlock.requirement == .required, "write \"required\""),
            (.networkMode, policy.network != .host, "write \"off\": no internet socket can be had"),
            (.networkLoopback, policy.network == .off(loopback: false), "write false: there is no network"),
            (.denyGlobs, policy.filesystem.denyGlobs.isEmpty, "take them out: Landlock cannot take back a part"),
            (.unixSockets, policy.filesystem.unixSockets.isEmpty, "take them out: no socket can be connected"),
            (.except, policy.filesystem.except.isEmpty, "take it out: protected names are not held here"),
            (.coverMissing, policy.filesystem.coverMissing.isEmpty, "write []: nothing can be covered without a mount"),
            (.onNew, policy.filesystem.onNew == .report, "write \"report\""),
            (.git, policy.git == .keep, "write \"keep\""),
            (.workspaceSize, policy.limits.workspace.bytes == 0, "write 0"),
        ]
        for (key, holds, remedy) in isEmpty where !holds {
            throw refusal(
                key.path,
                "the weaker profile landlock-only cannot hold what the policy says at \(key.path)",
                "\(remedy); or use a policy that is not weaker"
            )
        }
        guard request.workspaceInside == nil else {
            throw refusal(name, "without mounts the workspace cannot have another path", "leave the other path out")
        }
        guard !request.reportsDenials else {
            throw refusal("--report-denials", "the profile landlock-only does not count calls", "leave it out")
        }
        guard request.terminals.isEmpty, !request.makesTerminals else {
            throw refusal("--tty", "the profile landlock-only has no terminals", "leave it out: the job gets pipes")
        }
    }

    /// Keys of the place's own folders and name: there is no place.
    private static let unused: [PolicyKey] = [.tmpSize, .tmpInodes, .hostname]

    /// What would not act is refused where somebody says it: in the named policy, what it extends, the project's file or the
    /// administrator's.
    ///
    /// The default policy says the defaults, which nobody has asked for.
    private static func said(_ key: PolicyKey, _ compiled: CompiledPolicy) -> Bool {
        let isSaid = compiled.origins.contains { origin in
            let file = compiled.files[Int(origin.file)]
            return origin.key == key && !(file.kind == .builtIn && file.name == BuiltinPolicy.defaultName)
        }
        return isSaid || compiled.project?.says(key) == true || compiled.ceiling?.says(key) == true
    }

    static func checkSaid(_ compiled: CompiledPolicy) throws(Refusal) {
        for key in unused where said(key, compiled) { throw unusedRefusal(key.path) }
    }

    /// The refusal of a key or an option, which is named as somebody said it.
    public static func unusedRefusal(_ said: String) -> Refusal {
        refusal(
            said,
            "\(said) does nothing in the weaker profile landlock-only: HOME and TMPDIR lie in the host's /tmp, whose size "
                + "is not limited, and the host name is the host's",
            "leave it out; or use a policy that is not weaker"
        )
    }

    /// Rules only add: what is read-only, or decides about the next launch, must not lie where the job writes.
    static func checkRoots(
        _ policy: Policy,
        _ request: LaunchRequest,
        _ host: HostFacts,
        _ rules: [LandlockPlan.Rule]
    ) throws(Refusal) {
        for root in PlaceRoots(policy, request).writable {
            let kept = rules.first { $0.path.isWithin(root) && $0.access & LandlockRight.writeFile == 0 }
            if let path = kept?.path {
                let place = path == root ? "is asked for writable, too" : "lies in \(root), which is writable"
                throw refusal(
                    path.description,
                    "\(path) is to be read-only and \(place): Landlock's rules add up, so the job could change it",
                    path == root
                        ? "name it once" : "leave one of them out, or give single folders beside \(path) with --write"
                )
            }
            if let file = request.policyFiles.first(where: { $0.isWithin(root) }) {
                throw refusal(
                    file.description,
                    "the policy \(file) lies in \(root), where the job writes: it could give the next launch more",
                    "keep it outside of what the job writes, and name it there with --policy"
                )
            }
            try RootCheck.checkRepository(root, host)
        }
    }

    /// What is denied must lie where nothing is shown, by its only name, and around nothing that is: `shown` is every path of a rule, and the folder of the launch.
    static func checkDenied(
        _ policy: Policy,
        _ request: LaunchRequest,
        _ host: HostFacts,
        shown: [OSString]
    ) throws(Refusal) {
        for path in policy.filesystem.deny {
            try RootCheck.checkDenied(path, request)
            switch host.entry(path) {
            // By another name it may be shown, and a rule is of the file and not of the name.
            case .symlink, .throughLink: throw unusable(path, host.entry(path))
            // What the caller cannot get at by this name, the job cannot either: it is the same user.
            case .absent, .unreadable, .directory, .file, .socket, .characterDevice, .other: break
            }
            if let outer = shown.first(where: { path.isWithin($0) }) {
                throw refusal(
                    path.description,
                    "\(path), which is denied, lies in \(outer), and Landlock cannot take back a part of what it shows",
                    "show less than \(outer), or use a policy that is not weaker"
                )
            }
            if let inner = shown.first(where: { $0.isWithin(path) }) {
                throw refusal(
                    path.description,
                    "\(inner), which is shown, lies in \(path), which is denied: nothing could be taken back of it",
                    "leave one of them out (what is not shown cannot be opened anyway), or use a policy that is not weaker"
                )
            }
        }
    }
}
