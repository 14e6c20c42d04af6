internal import SandboxPlan

/// The mounts of a place, in order: the system's, the place's own, then the roots with what is kept in them.
struct MountPlanner {
    let policy: Policy
    let request: LaunchRequest
    let host: HostFacts
    let identity: IdentityPlan

    private static let readOnly: MountOptions = [.readOnly, .noSetuid, .noDevices]
    private static let writable: MountOptions = [.noSetuid, .noDevices]
    private static let node: MountOptions = [.readOnly, .noSetuid, .noExecute]

    struct Result {
        var steps: [LaunchStep] = []
        /// How many of them are the same in every workspace; they come first.
        var commonSteps = 0
        var notes: [String] = []
        /// What could not be kept from the job.
        var warnings: [String] = []
        /// Folders with all rights, for Landlock.
        var writable: [OSString] = []
        /// Folders to read and execute from, for Landlock.
        var readable: [OSString] = []
        /// Names the runtime makes before the launch and removes after it.
        var missing: [OSString] = []
        /// Whether one of them is to be a file.
        var coversFiles = false
    }

    func planned() throws(Refusal) -> Result {
        var result = Result()
        result.steps += [
            .privatePropagation,
            .newRoot(size: .mebibytes(16), inodes: 16384),
            // Empty things to cover names with, and the object that only Landlock denies. Its own tmpfs, so that the
            // device number tells a cover from anything else, and writable, so that nothing but Landlock says no.
            .tmpfs(path: "/.sandbox", size: .mebibytes(1), inodes: 64, mode: 0o700, options: Self.writable),
            .writeFile(path: "/.sandbox/file", contents: [], mode: 0),
            .writeFile(path: "/.sandbox/probe", contents: [], mode: 0o700),
            .makeFolders(path: "/.sandbox/folder", mode: 0),
            .makeFolders(path: "/.sandbox/empty", mode: 0o555),
        ]
        try system(&result)
        try settings(&result)
        try devices(&result)
        try proc(&result)
        for (path, mode) in [("/tmp", 0o1777), ("/var/tmp", 0o1777), ("/run", 0o755), ("/home/sandbox", 0o700)]
            as [(OSString, UInt32)]
        {
            tmpfs(path, mode: mode, &result)
        }
        result.commonSteps = result.steps.count
        result.steps += generated.gitconfig
        if request.hasTerminalNode { try device(PathInventory.terminal, &result) }
        try RootMounts(planner: self).add(to: &result)
        result.steps += [
            .remount(path: "/", options: [.readOnly, .noSetuid, .noDevices]),
            .enterRoot,
        ]
        return result
    }

    private func tmpfs(_ path: OSString, mode: UInt32, _ result: inout Result) {
        result.steps.append(
            .tmpfs(
                path: path,
                size: policy.filesystem.tmpSize,
                inodes: policy.filesystem.tmpInodes,
                mode: mode,
                options: Self.writable
            )
        )
        result.writable.append(path)
    }

    private var generated: GeneratedSettings {
        GeneratedSettings(policy: policy, request: request, host: host, identity: identity)
    }

    // MARK: - System, /etc, /dev, /proc

    /// Whether what the place would show by itself lies in a denied folder: then it is not there at all.
    private func isLeftOut(_ path: OSString) -> Bool {
        policy.filesystem.deny.contains { path.isWithin($0) && path != $0 }
    }

    private func system(_ result: inout Result) throws(Refusal) {
        for path in policy.filesystem.system where !isLeftOut(path) {
            if let own = RootCheck.ownMounts.first(where: { path.isWithin($0) }) {
                throw Refusal(
                    stage: "plan",
                    subject: path.description,
                    message: "\(path), which the policy shows as a part of the system, lies in \(own), and every place "
                        + "has one of its own",
                    remedy: "show it with filesystem.read, or a name in /etc with filesystem.etc",
                    layer: .mounts
                )
            }
            switch host.entry(path) {
            case .absent: continue
            case .symlink(let target): result.steps.append(.symlink(path: path, target: target))
            case .directory(let identity):
                result.steps.append(bind(path, identity, true, .system))
                result.readable.append(path)
            case let entry: throw unusable(path, entry, "a folder or a link")
            }
        }
    }

    private func settings(_ result: inout Result) throws(Refusal) {
        result.steps.append(.makeFolders(path: "/etc", mode: 0o755))
        for name in policy.filesystem.etc {
            let path = OSString("/etc").appending(name)
            if isLeftOut(path) { continue }
            switch host.entry(path) {
            case .absent: continue
            case .symlink(let target): result.steps.append(.symlink(path: path, target: target))
            case .directory(let identity): result.steps.append(bind(path, identity, true, .settings))
            case .file(let identity): result.steps.append(bind(path, identity, false, .settings))
            case let entry: throw unusable(path, entry, "a file, a folder or a link")
            }
        }
        result.steps += generated.files
    }

    private func devices(_ result: inout Result) throws(Refusal) {
        result.steps.append(.makeFolders(path: "/dev", mode: 0o755))
        for node in PathInventory.devices { try device(node, &result) }
        result.steps.append(.devpts(path: "/dev/pts"))
        tmpfs("/dev/shm", mode: 0o1777, &result)
        for (name, target) in [
            ("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"),
        ] {
            result.steps.append(.symlink(path: OSString("/dev/" + name), target: OSString(target)))
        }
    }

    private func device(_ device: PathInventory.Device, _ result: inout Result) throws(Refusal) {
        let path = OSString("/dev").appending(device.name)
        guard case .characterDevice(let identity, device.major, device.minor) = host.entry(path) else {
            throw Refusal(
                stage: "plan",
                subject: path.description,
                message: "\(path) is not the character device \(device.major):\(device.minor)",
                remedy: "mend the host's /dev (mknod \(path) c \(device.major) \(device.minor))",
                layer: .mounts
            )
        }
        result.steps.append(
            .bind(
                BindMount(
                    source: path,
                    target: path,
                    identity: identity,
                    isDirectory: false,
                    recursive: false,
                    options: Self.node,
                    purpose: .device
                )
            )
        )
    }

    /// The sysctl is written before `/proc/sys` turns read-only.
    func proc(_ result: inout Result) throws(Refusal) {
        if policy.confinement == .container {
            result.steps += try ContainerProfile.steps(host)
            return
        }
        result.steps += [
            .procfs(path: "/proc"), .forbidUserNamespaces,
            .cover(path: "/proc/sys", with: .itselfReadOnly),
        ]
        for name in PathInventory.hostWideProc {
            let path = OSString("/proc").appending(name)
            switch host.entry(path) {
            case .absent, .symlink: continue
            case .directory: result.steps.append(.cover(path: path, with: .unreadableFolder))
            case .file where identity.uid != 0 && host.rootOnly.contains(path):
                result.steps.append(.rootOnly(path: path))
            case .file: result.steps.append(.cover(path: path, with: .unreadableFile))
            case .characterDevice: throw masked(path)
            case let entry: throw unusable(path, entry, "a file or a folder")
            }
        }
    }

    /// A container covers files of `/proc` with its /dev/null: the mount of a fresh one would be refused (EPERM).
    private func masked(_ path: OSString) -> Refusal {
        Refusal(
            stage: "plan",
            subject: path.description,
            message:
                "parts of /proc are covered here (\(path) is a device), as containers do it, and the kernel then gives the job "
                + "no fresh one",
            remedy: MaskedProc.remedy,
            layer: .mounts
        )
    }

    // MARK: -

    func bind(
        _ path: OSString,
        _ identity: FileIdentity,
        _ isDirectory: Bool,
        _ purpose: BindMount.Purpose,
        writable: Bool = false
    ) -> LaunchStep {
        .bind(
            BindMount(
                source: path,
                target: path,
                identity: identity,
                isDirectory: isDirectory,
                // An ID-mapped mount comes alone: what is mounted below it may not support the mapping.
                recursive: isDirectory && origin(path) != .idMapped,
                options: writable ? Self.writable : Self.readOnly,
                purpose: purpose,
                origin: origin(path)
            )
        )
    }

    /// A workspace of root is shown through an ID-mapped mount, and what lies in it through that one.
    private func origin(_ path: OSString) -> BindMount.Origin {
        guard identity.mapsRootOwnedWorkspace, path.isWithin(request.workspace) else { return .host }
        return path == request.workspace ? .idMapped : .place
    }

    func unusable(_ path: OSString, _ entry: HostEntry, _ wanted: String) -> Refusal {
        func refusal(_ message: String, _ remedy: String, errno: Int32 = 0) -> Refusal {
            Refusal(
                stage: "plan",
                subject: path.description,
                errno: errno,
                message: message,
                remedy: remedy,
                layer: .mounts
            )
        }
        switch entry {
        case .absent:
            return refusal("\(path) does not exist", "make it first, or name another path")
        case .symlink(let target):
            return refusal("\(path) is a symbolic link to \(target)", "name the place it leads to, or remove the link")
        case .throughLink(let resolved):
            return refusal("the way to \(path) leads through a symbolic link", "name the real path: \(resolved)")
        case .unreadable(let code):
            return refusal("\(path) cannot be looked at", "see that you may reach it", errno: code)
        case .directory, .file, .socket, .characterDevice, .other:
            return refusal("\(path) is not \(wanted)", "name \(wanted)")
        }
    }
}

extension HostFacts {
    /// A path nobody looked at counts as absent: then it is not used.
    func entry(_ path: OSString) -> HostEntry { entries[path] ?? .absent }
}
