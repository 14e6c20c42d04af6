public import SandboxPlan

/// The weaker profile `container`: a sandbox with all of its layers, whose `/proc` is the enclosing container's.
///
/// A container covers parts of its `/proc`, and the kernel then lets nobody in it mount a fresh one, in whatever user and pid
/// namespace (`mount_too_revealing` in fs/namespace.c). So the place shows the one that is there, with all that is mounted in it,
/// read-only through and through. A process of another user namespace, and of another Landlock domain, cannot be traced: what needs
/// that in `/proc/PID` stays closed (ptrace(2), "Ptrace access mode checking"; landlock(7)). The rest is listed as not held.
public enum ContainerProfile {
    /// As plans, results and records call it; the built-in policy has this name too.
    public static let name = "container"

    /// Nothing that is mounted in it comes through with another right than these.
    private static let options: MountOptions = [.readOnly, .noSetuid, .noDevices, .noExecute]

    /// Covered beside what is covered in a fresh one: an automount there would be made by a process outside, and a fresh one lists no
    /// locks of others.
    static let covered: [OSString] = ["sys/fs/binfmt_misc", "locks"]

    /// Host paths that a plan depends on beside those of every place.
    static let paths: [OSString] = ["/proc"] + covered.map { OSString("/proc").appending($0) }

    /// What the profile does not hold, in the order of `WeakerPromise`.
    public static let promises: [WeakerPromise] = notHeld.map(\.promise)

    static let notHeld = [
        NotHeld(
            .hostProcesses,
            "every process of the container is listed in /proc, this supervisor and other jobs too, with the numbers it has there. "
                + "Those are not the numbers that calls in the job take: none of these processes can be signalled or traced"
        ),
        NotHeld(
            .hostIdentity,
            "paths, accounts and names that stand in command lines, mount tables and cgroup names of the container's other processes "
                + "can be read; where the container's filter lets nobody set a host name, as podman's does, its own stays"
        ),
        NotHeld(
            .processDetails,
            "of each process of the container: name, command line, threads, children, state, user, limits, use of memory and processor, "
                + "scheduling, cgroup, mount table, and "
                + "the tables of its network (addresses, ports, names of unix sockets); of those of the same user also which descriptors "
                + "are open, and whether for reading or writing. What needs the right to trace is closed: environment, memory, maps, "
                + "folders, and what the descriptors lead to"
        ),
        NotHeld(
            .ownProc,
            "/proc is the container's, read-only: what its engine has mounted there is shown, and /proc/NUMBER is not the process that "
                + "has this number in the job (/proc/self is right)"
        ),
        NotHeld(
            .namespaceCount,
            "a further user namespace is refused by the seccomp filter alone: user.max_user_namespaces cannot be written on a /proc "
                + "that is read-only"
        ),
    ]

    /// For `LaunchPlan.notes`.
    static let note =
        "nothing below /proc can be written, of the job's own processes neither: oom_score_adj, comm and coredump_filter stay as they are"

    /// What nothing stands in for.
    ///
    /// - Throws: `Refusal` without Landlock, whatever the policy accepts, or where a value could only be set by writing to `/proc`.
    static func check(_ policy: Policy, _ host: HostFacts) throws(Refusal) {
        guard host.landlockABI > 0 else {
            throw refusal(
                "landlock",
                "this kernel has no Landlock, and the weaker profile container needs it: it is one of the two things that keep the "
                    + "container's other processes from being traced",
                "boot with landlock in the list of `lsm=` (see \(HostReport.command))",
                layer: .landlock
            )
        }
        guard host.caller.oomScoreAdjustment >= 0 else {
            throw refusal(
                "/proc/self/oom_score_adj",
                "this process has the oom_score_adj \(host.caller.oomScoreAdjustment), which a job must not have, and in the weaker "
                    + "profile container nothing in /proc can be written",
                "set it to 0 first: echo 0 >/proc/self/oom_score_adj",
                layer: .attributes
            )
        }
    }

    /// The mounts of `/proc`, in place of a fresh one.
    ///
    /// - Parameter host: what was found there.
    /// - Returns: the container's with all that is mounted in it, and the covers over it.
    /// - Throws: `Refusal` when something there cannot be covered.
    static func steps(_ host: HostFacts) throws(Refusal) -> [LaunchStep] {
        guard case .directory(let identity) = host.entry("/proc") else {
            throw refusal("/proc", "/proc is no folder here", "see that it is mounted", layer: .mounts)
        }
        var steps: [LaunchStep] = [
            .bind(
                BindMount(
                    source: "/proc",
                    target: "/proc",
                    identity: identity,
                    isDirectory: true,
                    // Without what is mounted in it the kernel gives nobody a copy: that would uncover it (EINVAL).
                    recursive: true,
                    options: options,
                    purpose: .containerProc
                )
            )
        ]
        for name in PathInventory.hostWideProc + covered {
            let path = OSString("/proc").appending(name)
            switch host.entry(path) {
            case .absent, .symlink: continue
            case .directory: steps.append(.cover(path: path, with: .unreadableFolder))
            // A container covers files with its /dev/null.
            case .file, .characterDevice, .socket, .other: steps.append(.cover(path: path, with: .unreadableFile))
            case .throughLink, .unreadable:
                throw refusal(
                    path.description,
                    "\(path) cannot be looked at, so nobody knows how to cover it",
                    "see that you may reach it",
                    layer: .mounts
                )
            }
        }
        return steps
    }

    private static func refusal(_ subject: String, _ message: String, _ remedy: String, layer: Layer) -> Refusal {
        Refusal(stage: "plan", subject: subject, message: message, remedy: remedy, layer: layer)
    }
}
