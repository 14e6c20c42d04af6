import Foundation
import SandboxTestSupport

/// Threat list D, with E7 and E14: the kernel's surface, privilege, keyrings and terminals.
enum KernelAttempts {
    static let all: [Attempt] = namespaces + calls + privilege + proc + keysAndTerminals

    private static func refused(_ acts: [String], with word: String = "EPERM") -> [String: Set<String>] {
        Dictionary(uniqueKeysWithValues: acts.map { ($0, [word]) })
    }

    /// Anything but what is right inside.
    private static let anyErrno: Set<String> = [
        "ok", "EINVAL", "EFAULT", "EBADF", "ENOENT", "ENODEV", "ENOTTY", "ENOTBLK", "ESRCH", "EPERM",
    ]

    private static let namespaces: [Attempt] = [
        Attempt(
            "D1",
            "makes a user namespace",
            .kernel,
            "user-namespaces",
            inside: refused([
                "unshare_user", "unshare_user_mount", "unshare_user_network", "clone_user", "clone_user_all",
                "clone_high_bits",
            ])
        ),
        Attempt(
            "D1",
            "makes or enters another namespace",
            .kernel,
            "namespaces",
            control: .capable,
            inside: refused([
                "mount", "pid", "network", "ipc", "uts", "cgroup", "time", "clone_mount", "clone_network",
                "setns_mount", "setns_uts",
            ])
        ),
        Attempt(
            "D2",
            "hides its flags in clone3",
            .kernel,
            "clone3",
            inside: refused(["clone3_plain", "clone3_user"], with: "ENOSYS")
        ),
    ]

    private static let calls: [Attempt] = [
        Attempt(
            "D3",
            "calls what is newer than the filter",
            .kernel,
            "new-calls",
            inside: refused(
                [
                    "statmount", "listmount", "lsm_set_self_attr", "file_setattr", "setxattrat",
                ],
                with: "ENOSYS"
            ),
            outside: [
                "statmount": anyErrno, "listmount": anyErrno, "lsm_set_self_attr": anyErrno,
                "file_setattr": anyErrno, "setxattrat": anyErrno,
            ],
            absent: [
                "statmount": ["ENOSYS"], "listmount": ["ENOSYS"], "lsm_set_self_attr": ["ENOSYS"],
                "file_setattr": ["ENOSYS"], "setxattrat": ["ENOSYS"],
            ]
        ),
        Attempt(
            "D3",
            "calls numbers that nobody knows",
            .kernel,
            "unknown-calls",
            control: .none("no kernel knows them"),
            inside: ["unknown": ["ENOSYS"]]
        ),
        Attempt(
            "D3",
            "uses openat2, whose arguments no filter sees",
            .kernel,
            "openat2",
            inside: ["openat2": ["ENOSYS"]]
        ),
        Attempt(
            "D4",
            "calls the kernel as an i386 program",
            .kernel,
            "i386",
            inside: refused(["getpid", "unshare_user", "keyctl"], with: "SIGSYS"),
            absent: ["getpid": ["SIGSEGV"], "unshare_user": ["SIGSEGV"], "keyctl": ["SIGSEGV"]]
        ),
        Attempt(
            "D4",
            "calls the kernel as an x32 program",
            .kernel,
            "x32",
            inside: refused(["getpid", "unshare_user"], with: "SIGSYS"),
            absent: ["getpid": ["ENOSYS"], "unshare_user": ["ENOSYS"]]
        ),
        Attempt(
            "D5",
            "asks terminal ioctls with bits the kernel does not look at",
            .kernel,
            "ioctls",
            inside: refused([
                "TIOCSTI", "TIOCSTI_high_bits", "TIOCSTI_sign_bits", "TIOCLINUX", "TIOCLINUX_high_bits",
            ]),
            outside: [
                "TIOCSTI": ["ENOTTY"], "TIOCSTI_high_bits": ["ENOTTY"], "TIOCSTI_sign_bits": ["ENOTTY"],
                "TIOCLINUX": ["ENOTTY"], "TIOCLINUX_high_bits": ["ENOTTY"],
            ]
        ),
        Attempt(
            "D6",
            "uses io_uring",
            .kernel,
            "io-uring",
            inside: refused(["setup", "enter", "register"]),
            outside: ["setup": ["ok"], "enter": ["EBADF"], "register": ["EINVAL", "EBADF"]],
            absent: ["setup": ["EPERM", "ENOSYS"], "enter": ["ENOSYS"], "register": ["ENOSYS"]]
        ),
        Attempt(
            "D7",
            "changes a call by ptrace after the filter has seen it",
            .kernel,
            "tracer",
            inside: ["call": ["EPERM"]]
        ),
        Attempt(
            "D8",
            "makes calls that a job has no use for",
            .kernel,
            "refused",
            inside: refused(refusedToUsers),
            outside: Dictionary(uniqueKeysWithValues: refusedToUsers.map { ($0, anyErrno.subtracting(["EPERM"])) }),
            absent: Dictionary(uniqueKeysWithValues: refusedToUsers.map { ($0, ["ENOSYS", "EPERM", "EACCES"]) })
        ),
        Attempt(
            "D8",
            "makes calls that only root could make",
            .kernel,
            "refused-root",
            control: .root,
            inside: refused(refusedToRoot).merging(["nice": ["EPERM", "EACCES"]]) { $1 },
            outside: Dictionary(uniqueKeysWithValues: refusedToRoot.map { ($0, anyErrno.subtracting(["EPERM"])) }),
            absent: Dictionary(uniqueKeysWithValues: refusedToRoot.map { ($0, ["ENOSYS"]) })
        ),
        Attempt(
            "D8",
            "asks for I/O ports",
            .kernel,
            "ports",
            control: .root,
            inside: refused(["iopl", "ioperm"]),
            absent: ["iopl": ["ENOSYS", "EPERM"], "ioperm": ["ENOSYS", "EPERM"]]
        ),
        Attempt(
            "D8",
            "makes calls that end the one who makes them",
            .kernel,
            "killed",
            inside: refused(
                ["bpf", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module"],
                with: "SIGSYS"
            ),
            outside: [
                "bpf": anyErrno, "kexec_load": ["EPERM", "ENOSYS"], "kexec_file_load": ["EPERM", "ENOSYS"],
                "init_module": ["EPERM", "ENOSYS"], "finit_module": ["EPERM", "ENOSYS"],
                "delete_module": ["EPERM", "ENOSYS"],
            ]
        ),
    ]

    private static let refusedToUsers = [
        "keyctl", "add_key", "request_key", "userfaultfd", "perf_event_open", "fanotify_init", "open_by_handle_at",
        "move_pages", "migrate_pages", "personality", "quotactl", "mount", "umount2", "chroot", "setns",
        "open_tree", "open_tree_attr", "mount_setattr", "fsconfig",
    ]

    private static let refusedToRoot = [
        "reboot", "swapon", "swapoff", "acct", "settimeofday", "clock_settime", "sethostname", "setdomainname",
        "syslog", "vhangup", "pivot_root", "fsopen", "fsmount", "fspick", "move_mount", "nice", "setgroups",
    ]

    private static let privilege: [Attempt] = [
        Attempt(
            "D9",
            "becomes root, or chroots",
            .kernel,
            "privilege",
            control: .capable,
            inside: [
                "setuid": ["EINVAL", "EPERM"], "setresuid": ["EINVAL", "EPERM"], "setgid": ["EINVAL", "EPERM"],
                "securebits": ["EPERM"], "bounding_drop": ["EPERM"], "chroot": ["EPERM"],
            ]
        ),
        Attempt(
            "D9",
            "has or raises a capability",
            .kernel,
            "capabilities",
            control: .capable,
            inside: [
                "CapInh": ["empty"], "CapPrm": ["empty"], "CapEff": ["empty"], "CapBnd": ["empty"],
                "CapAmb": ["empty"], "bounding": ["empty"], "raise": ["EPERM"], "no_new_privs": ["1"],
            ],
            outside: [
                "CapInh": ["empty"], "CapAmb": ["empty"], "no_new_privs": ["0"], "raise": ["EPERM", "ok"],
            ],
            // What is empty outside too has its control in the sets that are not.
            reached: { _, result in result.values("CapEff") == ["ok"] }
        ),
    ]

    private static let proc: [Attempt] = [
        Attempt(
            "D12",
            "reads what /proc and /sys tell of the machine",
            .kernel,
            "proc-read",
            control: .root,
            arguments: { _ in
                [
                    "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/interrupts", "/proc/kpagecount",
                    "/proc/kpageflags", "/proc/kpagecgroup", "/proc/sched_debug", "/proc/latency_stats", "/proc/acpi",
                    "/proc/scsi", "/proc/iomem", "/proc/ioports", "/proc/slabinfo", "/proc/vmallocinfo",
                    "/sys/firmware", "/sys/kernel", "/sys/class", "/sys/fs/cgroup", "/sys/devices",
                ]
            },
            inside: ["readable": ["nothing"]],
            outside: ["readable": ["ok", "nothing"]],
            reached: { _, result in result.values("readable").contains("ok") }
        ),
        Attempt(
            "D12 D14",
            "opens the kernel's switches for writing",
            .kernel,
            "proc-write",
            control: .root,
            arguments: { _ in
                [
                    "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname",
                    "/proc/sys/kernel/sysrq", "/proc/sys/user/max_user_namespaces", "/proc/sys/vm/drop_caches",
                    "/proc/sys/fs/file-max", "/proc/sys/net/ipv4/ip_forward",
                ]
            },
            inside: ["open_write": ["EROFS", "EACCES", "EPERM", "ENOENT"]],
            outside: ["open_write": ["ok", "ENOENT", "EACCES"]],
            reached: { _, result in result.values("open_write").contains("ok") }
        ),
        Attempt(
            "D13",
            "finds a cgroup tree",
            .kernel,
            "cgroup",
            inside: ["mounted": ["none"], "folder": ["ENOENT"]],
            absent: ["mounted": ["none"], "folder": ["ENOENT"]]
        ),
        Attempt(
            "D16",
            "learns which machine it is on",
            .kernel,
            "leaks",
            arguments: { _ in [ProcessInfo.processInfo.hostName.isEmpty ? "?" : hostName] },
            inside: [
                "hostname": ["another"], "interfaces": ["lo only"], "sys": ["ENOENT"], "machine_id": ["ENOENT"],
            ],
            absent: ["interfaces": ["lo only"], "machine_id": ["ENOENT"]]
        ),
    ]

    static let hostName: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, 255) == 0 else { return "?" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    private static let keysAndTerminals: [Attempt] = [
        Attempt(
            "E7",
            "reads a key of the caller's session",
            .kernel,
            "keyring",
            arguments: { _ in ["canary"] },
            keeper: { ["--session-key", "canary=\($0.token)"] },
            inside: keyActs,
            outside: ["search_user": ["ENOKEY"]],
            leaks: true
        ),
        Attempt(
            "E7",
            "reads a key of the caller's user",
            .kernel,
            "keyring",
            arguments: { ["canary-\($0.token)"] },
            keeper: { ["--user-key", "canary-\($0.token)=\($0.token)"] },
            inside: keyActs,
            leaks: true
        ),
        Attempt(
            "E14",
            "types into the caller's terminal",
            .kernel,
            "terminal",
            prepare: { _ in
                let switched = try String(contentsOfFile: "/proc/sys/dev/tty/legacy_tiocsti", encoding: .utf8)
                if switched.hasPrefix("0") { throw HostForbids("the host has dev.tty.legacy_tiocsti = 0") }
            },
            keeper: { _ in ["--pty", "0"] },
            inside: [
                "stdin": ["ok"], "open_dev_tty": ["ok"], "TIOCSTI": ["EPERM"],
                "TIOCSTI_high_bits": ["EPERM"], "TIOCSTI_sign_bits": ["EPERM"], "TIOCLINUX": ["EPERM"],
                "TIOCLINUX_high_bits": ["EPERM"],
            ],
            outside: [
                "TIOCSTI": ["ok", "ENOTTY"], "TIOCSTI_high_bits": ["ok", "ENOTTY"],
                "TIOCSTI_sign_bits": ["ok", "ENOTTY"], "TIOCLINUX": ["ENOTTY", "EPERM"],
                "TIOCLINUX_high_bits": ["ENOTTY", "EPERM"],
            ],
            reached: { _, result in (result.injected ?? 0) > 0 }
        ),
        Attempt(
            "E14",
            "types into the terminal that its output goes to",
            .kernel,
            "ioctls",
            keeper: { _ in ["--pty", "0"] },
            inside: refused(["TIOCSTI", "TIOCLINUX"]),
            outside: ["TIOCSTI": ["ENOTTY"], "TIOCLINUX": ["ENOTTY"]]
        ),
    ]

    private static let keyActs: [String: Set<String>] = [
        "search_session": ["EPERM"], "search_user": ["EPERM"], "request": ["EPERM"], "add": ["EPERM"],
        "join": ["EPERM"], "listed": ["nothing"],
    ]
}
