/// What a job may not call, and what it is told.
extension SyscallGroup {
    static let denied: [SyscallGroup] = [
        SyscallGroup(
            "kernel-code",
            .denied(.kill),
            inPlaceFilter: true,
            reason: "Loads code into the kernel or replaces it; no worker asks for that by mistake.",
            calls: [
                "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "bpf",
            ]
        ),
        SyscallGroup(
            "namespaces",
            .denied(.denied),
            inPlaceFilter: true,
            reason:
                "A namespace of one's own gives all capabilities in it, and with them most of the kernel's surface.",
            calls: ["unshare", "setns"]
        ),
        SyscallGroup(
            "mounts",
            .denied(.denied),
            inPlaceFilter: true,
            reason:
                "The mounts of the place are made in the job's own user namespace and are not locked: no call may change them.",
            calls: [
                "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount",
                "fspick", "mount_setattr", SyscallRule("open_tree_attr", number: 467), "swapon", "swapoff", "quotactl",
                "quotactl_fd",
            ]
        ),
        SyscallGroup(
            "file-handles",
            .denied(.denied),
            inPlaceFilter: true,
            reason: "Opens files by number instead of by name, past every mount, or watches a whole file system.",
            calls: ["name_to_handle_at", "open_by_handle_at", "fanotify_init", "fanotify_mark"]
        ),
        SyscallGroup(
            "keyrings",
            .denied(.denied),
            inPlaceFilter: true,
            reason: "Kernel keys belong to a user, not to a namespace: the caller's would be in reach.",
            calls: ["add_key", "request_key", "keyctl"]
        ),
        SyscallGroup(
            "io-uring",
            .denied(.denied),
            inPlaceFilter: true,
            reason: "Opens, connects and sends from a queue in memory that no filter sees.",
            calls: ["io_uring_setup", "io_uring_enter", "io_uring_register"]
        ),
        SyscallGroup(
            "kernel-surface",
            .denied(.denied),
            inPlaceFilter: true,
            reason: "Profiling the kernel and answering its page faults: no use in a job, many exploits.",
            calls: ["perf_event_open", "userfaultfd"]
        ),
        SyscallGroup(
            "machine",
            .denied(.denied),
            reason: "Acts on the whole machine: its clock, ports, name, log, accounting, power.",
            calls: [
                "reboot", "acct", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "iopl", "ioperm",
                "sethostname", "setdomainname", "syslog", "vhangup", "modify_ldt", "process_mrelease",
            ]
        ),
        SyscallGroup(
            "memory-placement",
            .denied(.denied),
            reason:
                "Moves memory between nodes, also of other processes; all of them are refused, the query too, so that "
                + "libnuma says `not available` and not half of it.",
            calls: [
                "mbind", "set_mempolicy", "get_mempolicy", "migrate_pages", "move_pages", "set_mempolicy_home_node",
            ]
        ),
        SyscallGroup(
            "arguments-in-memory",
            .denied(.unknown),
            reason:
                "Their flags and modes lie in memory, where no filter sees them; the C library falls back to clone(2) and "
                + "openat(2).",
            calls: ["clone3", "openat2"]
        ),
        SyscallGroup(
            "newer",
            .denied(.unknown),
            reason:
                "Newer forms of other calls, and reports on mounts, security modules and the page cache: programs do without, "
                + "as on an older kernel.",
            calls: [
                SyscallRule("cachestat", number: 451), SyscallRule("statmount", number: 457),
                SyscallRule("listmount", number: 458), SyscallRule("lsm_get_self_attr", number: 459),
                SyscallRule("lsm_set_self_attr", number: 460), SyscallRule("lsm_list_modules", number: 461),
                SyscallRule("setxattrat", number: 463), SyscallRule("getxattrat", number: 464),
                SyscallRule("listxattrat", number: 465), SyscallRule("removexattrat", number: 466),
                SyscallRule("file_getattr", number: 468), SyscallRule("file_setattr", number: 469),
            ]
        ),
        SyscallGroup(
            "unwatched-memory",
            .denied(.unknown),
            reason: "Memory that the supervisor's watch does not see.",
            calls: ["memfd_secret"]
        ),
        SyscallGroup(
            "obsolete",
            .denied(.unknown),
            reason: "Not there in today's kernels, or there for programs nobody has any more.",
            calls: [
                "_sysctl", "afs_syscall", "epoll_ctl_old", "epoll_wait_old", "get_kernel_syms", "get_thread_area",
                "getpmsg",
                "lookup_dcookie", "nfsservctl", "putpmsg", "query_module", "remap_file_pages", "security",
                "set_thread_area", "sysfs", "tuxcall", "uselib", "ustat", "vserver",
            ]
        ),
    ]

    /// Every group, allowed ones first.
    public static let all: [SyscallGroup] = allowed + removable + denied
}
