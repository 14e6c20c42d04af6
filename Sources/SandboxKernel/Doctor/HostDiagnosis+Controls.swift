internal import Glibc
internal import SandboxPlan

extension HostDiagnosis {
    // MARK: - Landlock, seccomp, tasks, keyring

    var landlock: HostCheck {
        let name = Layer.landlock.rawValue
        guard case .works(let abi)? = facts.probes[.landlock] else {
            var check = check(.landlock, name, "")
            if case .failed(_, EOPNOTSUPP)? = facts.probes[.landlock] {
                let modules = facts.securityModules.map { "landlock,\($0)" } ?? "landlock,…"
                check.detail += ". It is built in and not switched on at boot"
                check.remedy = "Add to the kernel's command line and boot again: lsm=\(modules)"
            }
            return check
        }
        let missing = LandlockHolders.missing(abi: abi)
        let fact = "ABI \(abi), a domain tried"
        guard !missing.isEmpty else { return HostCheck(name: name, state: .available, detail: fact) }
        let held = missing.map { "\($0.right) (ABI \($0.since)) is held by \($0.heldBy)" }.joined(separator: "; ")
        return HostCheck(name: name, state: .partial, detail: "\(fact); \(held)")
    }

    var seccomp: HostCheck {
        let above = facts.seccompFilters.map { $0 == 0 ? "" : "; \($0) filters of others weigh on us already" } ?? ""
        return check(.seccomp, Layer.seccomp.rawValue, "a filter installed and tried" + above)
    }

    var tasks: HostCheck {
        var check = check(.rlimitNproc, Layer.rlimits.rawValue, "RLIMIT_NPROC is counted in the user namespace")
        guard check.state == .missing, case .failed(_, let errno)? = facts.probes[.rlimitNproc] else { return check }
        if errno == 0 {
            // The kernel asks for the user outside (copy_process in kernel/fork.c), whatever the number inside is.
            check.detail += ". The kernel holds root to no such limit, and outside of this container you are root"
            check.remedy = "Start the container, or codex-sandbox in it, as a user who is not root outside."
        } else if errno == EAGAIN {
            check.detail += ". It counts more than the user namespace, or your own limit is used up (ulimit -u)"
        }
        return check
    }

    var keyring: HostCheck {
        var check = check(.keyring, Layer.keyring.rawValue, "a fresh session keyring joined")
        if check.state == .missing, case .failed(_, EDQUOT)? = facts.probes[.keyring] {
            let now = facts.settings[.maximumKeys] ?? 200
            check.remedy = HostSetting.maximumKeys.command(now * 10)
        }
        return check
    }

    // MARK: - Facts that decide nothing

    var memory: HostCheck {
        let isHeld = facts.cgroup.controllers.contains(.memory)
        return HostCheck(
            name: Layer.memory.rawValue,
            state: .information,
            detail: isHeld
                ? "held by the kernel: each job gets a cgroup"
                : facts.scope == .wanted
                    ? "watched, or held by the kernel: in the scope that `run` asks for (row cgroups)"
                    : "watched: the job is killed at its limit, the kernel does not hold it"
        )
    }

    /// Whether there is a delegated subtree; without one limits are held otherwise, so nothing is missing for `run`.
    var cgroup: HostCheck {
        let detail: String
        switch facts.cgroup {
        case .subtree(let subtree):
            let there = subtree.controllers.map(\.rawValue)
            let missing = CgroupController.allCases.filter { !subtree.controllers.contains($0) }.map(\.rawValue)
            let names = "cgroup v2: \(subtree.path) is delegated to us, with \(there.joined(separator: ", "))"
            detail =
                missing.isEmpty
                ? names
                : "\(names), without \(missing.joined(separator: ", ")): \(CgroupLack.words(subtree.lacks)). "
                    + "For a kernel that holds all: \(CgroupLack.remedy(subtree.lacks))"
        case .none(let absence):
            // The hybrid layout of systemd: v2 is there, and every controller is with v1.
            let beside = facts.mounts?.entries.last { $0.type == "cgroup2" && $0.target != "/sys/fs/cgroup" }
            let hybrid = absence == .versionOne ? beside.map { " (v2 at \($0.target))" } ?? "" : ""
            let here = "no cgroup v2 subtree for us: \(absence.words)\(hybrid)"
            switch facts.scope {
            case .wanted:
                detail =
                    "\(here). `run` asks the user's service manager for a scope of its own first: in it the kernel holds memory, tasks and "
                    + "cpus; without one limits stand on rlimits and watching. One for many launches: "
                    + "systemd-run --user --scope -p Delegate=yes $SHELL"
            case .none, .kept, .entered, .failed:
                let kept = facts.scope == .none ? "" : ". For `run` \(facts.scope.words)"
                detail =
                    "\(here)\(kept); limits stand on rlimits and watching. For a kernel that holds them: \(absence.remedy)"
            }
        }
        return HostCheck(name: "cgroups", state: .information, detail: detail)
    }

    // MARK: - Our own files

    var companion: HostCheck {
        let name = "codex-sandboxd"
        let remedy = "Install codex-sandboxd beside codex-sandbox, or in ../libexec/codex-sandbox/."
        switch facts.companion {
        case .found(let path):
            return HostCheck(name: name, state: .available, detail: path.description)
        case .absent(let tried):
            let places = tried.map(\.description).joined(separator: " or ")
            return HostCheck(name: name, state: .missing, detail: "it is not at \(places)", remedy: remedy)
        case .unusable(let path, let why):
            return HostCheck(name: name, state: .missing, detail: "\(path): \(why)", remedy: remedy)
        case .unknown(let errno):
            let detail = "readlink /proc/self/exe: \(ErrnoName.described(errno))"
            return HostCheck(name: name, state: .missing, detail: detail, remedy: "sudo mount -t proc proc /proc")
        }
    }

    func folder(_ folder: DoctorFolder) -> HostCheck {
        let other = "name another folder with \(folder.setting)"
        let path = folder.path
        func check(_ state: HostCheck.State, _ detail: String, _ remedy: String = "") -> HostCheck {
            HostCheck(name: folder.name, state: state, detail: detail, remedy: remedy)
        }
        switch folder.state {
        case .writable:
            return check(.available, path.description)
        case .canBeMade(let parent):
            return check(.available, "\(path) is not there yet; it can be made in \(parent)")
        case .cannotBeMade(let parent, let errno):
            let detail = "\(path) is not there, and \(parent) cannot be written: \(ErrnoName.described(errno))"
            return check(.missing, detail, "Make the folder, or \(other).")
        case .foreign(let uid):
            return check(.missing, "\(path) belongs to uid \(uid)", "Take it over with chown, or \(other).")
        case .writableByOthers(let mode):
            let detail = "\(path) can be written by others (mode \(String(mode, radix: 8)))"
            return check(.missing, detail, "chmod go-w \(path)")
        case .unusable(let errno):
            let detail = "\(path) cannot be used: \(ErrnoName.described(errno))"
            return check(.missing, detail, "Mend the folder, or \(other).")
        case .unknown(let why):
            return check(.missing, why, "Set HOME, or \(other).")
        }
    }
}

/// Rights that a lower Landlock ABI lacks (landlock(7)), and the layer that holds each instead.
enum LandlockHolders {
    struct Right: Hashable {
        let right: String
        let since: Int64
        let heldBy: String
    }

    static func missing(abi: Int64) -> [Right] {
        rights.filter { $0.since > abi }
    }

    private static let rights = [
        Right(right: "refer", since: 2, heldBy: "separate mounts"),
        Right(right: "truncate", since: 3, heldBy: "read-only mounts"),
        Right(right: "ioctl_dev", since: 5, heldBy: "the minimal /dev and seccomp"),
        Right(right: "abstract sockets", since: 6, heldBy: "the network namespace"),
        Right(right: "signals", since: 6, heldBy: "the pid namespace"),
    ]
}
