// Made from policies/*.toml by scripts/embed-policies; change those and run it again.

extension BuiltinPolicy {
    /// The built-in policies, the default first.
    public static let all: [BuiltinPolicy] = [
        BuiltinPolicy(
            name: "workspace-write",
            summary: "One writable workspace, the system read-only, the network off.",
            text: #"""
                # The default: a worker that changes one workspace and nothing else.
                #
                # Every value below is the built-in default; docs/policy.md explains each key. Copy this file, change what you need, and
                # name it with --policy FILE. A key that is left out keeps its default.
                version = 1
                description = "One writable workspace, the system read-only, the network off."

                [workspace]
                access = "read-write"

                [filesystem]
                # Further host paths at their own places; a path that is missing refuses the launch.
                read = []
                write = []
                # Paths that are covered by something empty and unreadable.
                deny = []
                # Names directly in a writable folder that stay read-only. This list is added to the built-in one:
                # .git/config .git/hooks .gitmodules .codex .codex-sandbox.toml .mcp.json .claude .vscode .idea .envrc
                protect = []
                # At most four protected names that are covered by an empty folder when they are missing, so that nobody makes them.
                cover_missing = [".codex", ".codex-sandbox.toml", ".envrc", ".mcp.json"]
                # Sockets below a writable or readable folder that the job may reach although something outside listens there.
                unix_sockets = []
                # Each of /tmp, /var/tmp, /run, /dev/shm and /home/sandbox.
                tmp_size = "1GiB"
                tmp_inodes = 100_000

                [network]
                # No network but the job's own 127.0.0.1.
                mode = "off"
                loopback = true

                [environment]
                # PATH, LANG, LC_*, TERM, TZ, USER, LOGNAME, SHELL, COLORTERM and NO_COLOR.
                inherit = "core"
                # Added to the built-in patterns of names that are never inherited.
                exclude = []
                # Names that are taken from the caller whatever is excluded.
                pass = []

                [environment.set]
                # NAME = "value"

                [limits]
                tasks = 1024
                # memory = "4GiB"  Left out: 4 GiB or half of the machine's memory, whichever is less.
                # From here on the job is slowed down instead of growing on, for example "3GiB"; 0 means nowhere. Only a cgroup holds it.
                memory_high = 0
                open_files = 4096
                file_size = "8GiB"
                # CPU time of each process; 0 means no limit.
                cpu = 0
                # Processors that the whole job may use at a time, for example 2 or "0.5"; 0 means no limit. Only a cgroup holds it.
                cpus = 0
                # What the workspace may hold, what was there before included, for example "2GiB"; 0 means no limit.
                workspace = 0
                # What the job may write to standard output and standard error together; 0 means no limit.
                output = 0
                wall = "24h"
                grace = "2s"
                # Limits that a cgroup must hold, or the launch is refused: "tasks", "memory", "cpu".
                require_kernel = []

                [landlock]
                minimum_abi = 1
                requirement = "required"

                [seccomp]
                # Groups of system calls that this policy leaves out, for example "debug".
                without = []

                [process]
                umask = "0022"
                hostname = "sandbox"

                """#
        ),
        BuiltinPolicy(
            name: "read-only",
            summary: "The workspace and the system read-only, the network off.",
            text: #"""
                # A worker that looks and reports: it can write to its private /tmp and home, and to nothing that stays.
                version = 1
                description = "The workspace and the system read-only, the network off."

                [workspace]
                access = "read-only"

                # Everything else is the default, as workspace-write.toml spells it out.

                """#
        ),
        BuiltinPolicy(
            name: "strict",
            summary: "One writable workspace, no loopback, fewer system calls, small limits.",
            text: #"""
                # For a command that needs little: no loopback, no variable of the caller's, few system calls, small limits.
                #
                # A shell, git, Python or a compiler work; what debugs, opens internet sockets or restricts itself further does not. What
                # fails with EPERM is in one of the groups below (docs/policy.md): extend this policy, and say the limits that are needed.
                version = 1
                description = "One writable workspace, no loopback, fewer system calls, small limits."

                [filesystem]
                tmp_size = "64MiB"
                tmp_inodes = 10_000

                [network]
                mode = "off"
                loopback = false

                [environment]
                inherit = "none"

                [limits]
                tasks = 64
                memory = "1GiB"
                open_files = 256
                file_size = "1GiB"
                wall = "30m"

                [seccomp]
                without = [
                    "aio", "debug", "internet-sockets", "message-queues", "process-handles", "self-restriction", "sysv-ipc",
                ]

                [process]
                umask = "0077"

                """#
        ),
        BuiltinPolicy(
            name: "codex-worker",
            summary: "A worker's workspace: .git and .codex read-only, but for .codex/result.json.",
            text: #"""
                # A worker that does what .codex/request.json asks and answers in .codex/result.json.
                #
                # All of .git and .codex is read-only to it, as Codex keeps them, but for the answer. Make an empty .codex/result.json before
                # the launch: in a folder that is kept from it the job cannot make a file, only write to one that is there.
                version = 1
                description = "A worker's workspace: .git and .codex read-only, but for .codex/result.json."

                [filesystem]
                # Added to the built-in list, which has .codex, and of .git the files that git obeys.
                protect = [".git"]
                except = [".codex/result.json"]

                [limits]
                wall = "1h"

                """#
        ),
        BuiltinPolicy(
            name: "container",
            summary: "WEAKER: a sandbox with the container's own /proc; lists what is not held.",
            text: #"""
                # A weaker profile, for an unprivileged container that covers parts of /proc: the sandbox with the container's own /proc.
                #
                # It is used only when it is asked for by this name, or by a named file that says the key below itself. What it does not hold is
                # listed by `explain`, by `run`, in the result and in the record (docs/policy.md, "Weaker profiles").
                version = 1
                description = "WEAKER: a sandbox with the container's own /proc; lists what is not held."

                [danger]
                container = true

                """#
        ),
        BuiltinPolicy(
            name: "landlock-only",
            summary: "WEAKER: no namespaces, Landlock and seccomp alone; lists what is not held.",
            text: #"""
                # A weaker profile, for a host that forbids user namespaces: an ordinary process, held by Landlock and seccomp alone.
                #
                # It is used only when it is asked for by this name, or by a named file that says the key below itself. What it does not hold is
                # listed by `explain`, by `run`, in the result and in the record (docs/policy.md, "Weaker profiles").
                version = 1
                description = "WEAKER: no namespaces, Landlock and seccomp alone; lists what is not held."

                [danger]
                landlock_only = true

                [filesystem]
                # Nothing can be covered.
                cover_missing = []

                [network]
                # No socket that leads anywhere, not even to the job itself.
                mode = "off"
                loopback = false

                [seccomp]
                # Without namespaces these reach what others have on this host.
                without = ["file-watch", "internet-sockets", "message-queues", "sysv-ipc"]

                """#
        ),
        BuiltinPolicy(
            name: "danger-full-access",
            summary: "No confinement at all.",
            text: #"""
                # No sandbox: the worker has everything its caller has, the record says so, layer by layer.
                #
                # It needs --danger-full-access on the command line as well. No other section can stand here: nothing would act on it.
                version = 1
                description = "No confinement at all."

                [danger]
                full_access = true

                """#
        ),
    ]
}
