internal import SandboxPlan

extension RunOptions {
    /// Every option of `run`: parsing, help and completions come from here.
    static let table: [Option<RunOptions>] = places + policies + limits + outputs

    private static let places: [Option<RunOptions>] = [
        .single(
            "--workspace",
            .folder,
            "Folder the command works in, writable at its own path.",
            default: "the current folder",
            parse: OptionValue.path,
            set: { $0.workspace = $1 }
        ),
        .single(
            "--cwd",
            .folder,
            "Where the command starts, inside the workspace.",
            default: "the current folder if inside",
            parse: OptionValue.path,
            set: { $0.workingDirectory = $1 }
        ),
        .repeated(
            "--read",
            .path,
            "Shows a further path, read-only, at its own place.",
            parse: OptionValue.path,
            add: { $0.overrides.read.append($1) }
        ),
        .repeated(
            "--write",
            .path,
            "Shows a further path, writable, at its own place.",
            parse: OptionValue.path,
            add: { $0.overrides.write.append($1) }
        ),
        .repeated(
            "--deny",
            .path,
            "Covers a path by something empty and unreadable.",
            parse: OptionValue.path,
            add: { $0.overrides.deny.append($1) }
        ),
        .flag("--tty", "One terminal of its own for all three streams, whatever the caller's are.") {
            $0.wantsTerminal = true
        },
        .flag("--no-tty", "Pipes in place of the caller's terminals.") { $0.refusesTerminal = true },
        .flag("--allow-root-owned-workspace", "Accepts a workspace of root; new files in it are root's too.") {
            $0.allowRootOwnedWorkspace = true
        },
    ]

    private static let policies: [Option<RunOptions>] = [
        .single(
            "--policy",
            .policy,
            "What the command may do; with a / or .toml it is a file.",
            default: "workspace-write",
            parse: PolicySource.parse,
            set: { $0.policy = $1 }
        ),
        .repeated(
            "--env",
            .environment,
            "Passes the caller's NAME on, or sets it to VALUE.",
            parse: OptionValue.environment,
            add: { (options, word) in
                switch word {
                case .pass(let name): options.overrides.passEnvironment.append(name)
                case .set(let entry): options.overrides.setEnvironment.append(entry)
                }
            }
        ),
        .single(
            "--network",
            .words(["off", "host"]),
            "No network but its own loopback, or the host's.",
            default: "off",
            parse: OptionValue.network,
            set: { $0.overrides.network = $1 }
        ),
        .flag("--danger-host-network", "Has to be said with --network host.") { $0.dangerHostNetwork = true },
        .flag("--danger-full-access", "Runs the command without any sandbox; recorded as such.") {
            $0.dangerFullAccess = true
        },
    ]

    private static let limits: [Option<RunOptions>] = [
        .single(
            "--memory",
            .size,
            "Memory of the whole job with its tmpfs; 16MiB or more.",
            default: "4GiB or half of RAM",
            parse: OptionValue.size(in: PolicyRange.memory),
            set: { $0.overrides.memory = $1 }
        ),
        .single(
            "--pids",
            .number,
            "Processes and threads, pid 1 of the sandbox included; 2 or more.",
            default: "1024",
            parse: OptionValue.tasks,
            set: { $0.overrides.tasks = $1 }
        ),
        .single(
            "--cpu",
            .time,
            "CPU time of each process, in whole seconds; 0 is no limit.",
            default: "no limit",
            parse: OptionValue.cpuSeconds,
            set: { $0.overrides.cpuSeconds = $1 }
        ),
        .single(
            "--cpus",
            .number,
            "Processors for the whole job, as 1.5; needs a cgroup.",
            default: "no limit",
            parse: OptionValue.cpus,
            set: { $0.overrides.cpuThousandths = $1 }
        ),
        .single(
            "--timeout",
            .time,
            "Wall-clock time of the whole job.",
            default: "24h",
            parse: OptionValue.time(in: PolicyRange.wall),
            set: { $0.overrides.wall = $1 }
        ),
        .single(
            "--grace",
            .time,
            "Time from TERM to KILL when the job is ended, 0 to 1h.",
            default: "2s",
            parse: OptionValue.time(in: PolicyRange.grace),
            set: { $0.overrides.grace = $1 }
        ),
        .single(
            "--tmp-size",
            .size,
            "Size of each private tmpfs, as /tmp and HOME; 64KiB or more.",
            default: "1GiB",
            parse: OptionValue.size(in: PolicyRange.tmpSize),
            set: { $0.overrides.tmpSize = $1 }
        ),
        .single(
            "--file-size",
            .size,
            "Largest file that can be written.",
            default: "8GiB",
            parse: OptionValue.size(in: PolicyRange.fileSize),
            set: { $0.overrides.fileSize = $1 }
        ),
    ]

    private static let outputs: [Option<RunOptions>] = [
        .single(
            "--name",
            .jobName,
            "What the job is called while it runs; status shows it.",
            parse: OptionValue.jobName,
            set: { $0.name = $1 }
        ),
        .single(
            "--evidence",
            .file,
            "A further copy of the record, in a FILE outside of the workspace.",
            parse: OptionValue.path,
            set: { $0.evidence = $1 }
        ),
        .flag("--report-denials", "Counts refused system calls and tells of them; each costs time.") {
            $0.reportsDenials = true
        },
        .flag("--durable", "Waits until each record is on the disk (fdatasync).") { $0.durable = true },
        .single(
            "--result",
            .fileOrDescriptor,
            "One JSON object about the run, outside of the workspace; digits are a descriptor.",
            parse: ResultTarget.parse,
            set: { $0.result = $1 }
        ),
        .flag("--quiet", "No notes on stderr; refusals are said all the same.") { $0.quiet = true },
        .stateDirectory { $0.stateDirectory = $1 },
    ]
}

extension Option {
    /// The folder of the records, for every command that writes or reads one.
    static func stateDirectory(set: @escaping @Sendable (inout Options, OSString) -> Void) -> Option {
        .single(
            "--state-dir",
            .folder,
            "Folder of the records.",
            default: "$XDG_STATE_HOME/codex-sandbox",
            parse: OptionValue.path,
            set: set
        )
    }

    static func json(set: @escaping @Sendable (inout Options) -> Void) -> Option {
        .flag("--json", "Prints one JSON object instead of text.", set: set)
    }
}
