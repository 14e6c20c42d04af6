internal import SandboxPlan

extension PolicyReport {
    /// The rows by section, with the keys and in the order of a policy file.
    var sections: [(title: String, rows: [Row])] {
        [
            ("danger", confinement), ("workspace", workspace), ("filesystem", filesystem), ("network", network),
            ("environment", environment),
            ("limits", limits), ("seccomp", seccomp), ("landlock", landlock), ("process", process), ("worker", worker),
        ]
    }

    private var confinement: [Row] {
        [
            Row("full_access", policy.confinement != .none ? "false" : style.bad("true: nothing confines the job")),
            Row(
                "landlock_only",
                policy.confinement != .landlockOnly
                    ? "false" : style.bad("true: no namespace confines the job, see what is not held")
            ),
            Row(
                "container",
                policy.confinement != .container
                    ? "false" : style.bad("true: /proc is the container's, see what is not held")
            ),
        ]
    }

    private var workspace: [Row] {
        [
            Row("access", policy.workspace == .readWrite ? "read-write" : "read-only"),
            Row("git", policy.git.word),
        ]
    }

    private var filesystem: [Row] {
        let filesystem = policy.filesystem
        return [
            Row("system", list: filesystem.system), Row("etc", list: filesystem.etc),
            Row("read", list: filesystem.read), Row("write", list: filesystem.write),
            Row("deny", list: filesystem.deny), Row("deny_globs", list: filesystem.denyGlobs),
            Row("protect", list: filesystem.protect),
            Row("except", list: filesystem.except),
            Row("cover_missing", list: filesystem.coverMissing), Row("on_new", filesystem.onNew.word),
            Row("unix_sockets", list: filesystem.unixSockets),
            Row("tmp_size", filesystem.tmpSize.description), Row("tmp_inodes", String(filesystem.tmpInodes)),
        ]
    }

    private var network: [Row] {
        switch policy.network {
        case .off(let loopback): [Row("mode", "off"), Row("loopback", loopback ? "true" : "false")]
        case .host: [Row("mode", style.bad("host"))]
        }
    }

    private var environment: [Row] {
        let environment = policy.environment
        let inherit =
            switch environment.inherit {
            case .none: "none"
            case .core: "core"
            case .all: "all"
            }
        return [
            Row("inherit", inherit), Row("exclude", list: environment.exclude), Row("pass", list: environment.pass),
            Row("set", list: environment.set.map(\.name)),
        ]
    }

    private var limits: [Row] {
        let limits = policy.limits
        let memory =
            switch limits.memory {
            case .upToHalfOfRAM(let most): "\(most), or half of the machine's memory if that is less"
            case .exactly(let amount): amount.description
            }
        let kernel = LimitPolicy.Kind.allCases.filter(limits.requireKernel.contains).map { kind in
            switch kind {
            case .tasks: OSString("tasks")
            case .memory: OSString("memory")
            case .cpu: OSString("cpu")
            }
        }
        return [
            Row("tasks", String(limits.tasks)), Row("memory", memory),
            Row("memory_high", limits.memoryHigh.bytes == 0 ? "none" : limits.memoryHigh.description),
            Row("open_files", String(limits.openFiles)),
            Row("file_size", limits.fileSize.description),
            Row("cpu", limits.cpuSeconds == 0 ? "no limit" : "\(limits.cpuSeconds) s"),
            Row(
                "cpus",
                limits.cpuThousandths == 0
                    ? "no limit" : ProcessorShare(thousandths: limits.cpuThousandths).description
            ),
            Row("workspace", limits.workspace.bytes == 0 ? "no limit" : limits.workspace.description),
            Row("output", limits.output.bytes == 0 ? "no limit" : limits.output.description),
            Row("wall", limits.wall.description), Row("grace", limits.grace.description),
            Row("require_kernel", list: kernel),
        ]
    }

    private var seccomp: [Row] {
        [Row("without", list: policy.seccomp.without.map { OSString($0) })]
    }

    private var landlock: [Row] {
        [
            Row("minimum_abi", String(policy.landlock.minimumABI)),
            Row("requirement", policy.landlock.requirement == .required ? "required" : style.doubtful("best-effort")),
        ]
    }

    private var worker: [Row] {
        [Row("command", list: policy.worker.command)]
    }

    private var process: [Row] {
        [
            Row("umask", StepWords.octal(policy.process.umask)),
            Row("hostname", Shown.whole(policy.process.hostname)),
        ]
    }
}
