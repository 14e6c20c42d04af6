/// What a job may call.
extension SyscallGroup {
    static let allowed: [SyscallGroup] = [
        SyscallGroup(
            "processes",
            .allowed,
            reason: "Starting, waiting for and ending processes and threads; a new namespace cannot be asked for.",
            calls: [
                SyscallRule("clone", if: "no CLONE_NEW* flag, else EPERM", .cloneWithoutNamespaces),
                "fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4", "waitid",
                "getpid", "getppid", "gettid", "getpgid", "getpgrp",
                SyscallRule("setpgid", if: "any group but that of pid 1, else EPERM", .notGroupOfPidOne), "getsid",
                "setsid",
                "set_tid_address", "set_robust_list", "get_robust_list", "rseq", "membarrier", "arch_prctl",
                "restart_syscall",
                SyscallRule(
                    "prctl",
                    if: "options that act on the caller alone; PR_SET_MM, PR_SET_SYSCALL_USER_DISPATCH, PR_SCHED_CORE, "
                        + "PR_SET_MEMORY_MERGE EPERM, others EINVAL",
                    .prctl
                ),
                SyscallRule("personality", if: "0, the query, ADDR_NO_RANDOMIZE, else EPERM", .personality),
            ]
        ),
        SyscallGroup(
            "identity",
            .allowed,
            reason:
                "Asking for and setting ids and capabilities; only one id is mapped and every capability set is empty.",
            calls: [
                "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "setuid", "setgid",
                "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capget",
                "capset",
            ]
        ),
        SyscallGroup(
            "memory",
            .allowed,
            reason: "The process's own address space.",
            calls: [
                "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "msync", "mincore", "mlock", "mlock2",
                "mlockall",
                "munlock", "munlockall", "pkey_alloc", "pkey_free", "pkey_mprotect",
                SyscallRule("map_shadow_stack", number: 453), SyscallRule("mseal", number: 462),
            ]
        ),
        SyscallGroup(
            "signals",
            .allowed,
            reason: "Signals between processes of the job; the pid namespace has no others.",
            calls: [
                "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait",
                "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sigaltstack", "kill", "tkill", "tgkill", "pause", "signalfd",
                "signalfd4",
            ]
        ),
        SyscallGroup(
            "time",
            .allowed,
            reason: "Reading clocks, sleeping, timers.",
            calls: [
                "time", "gettimeofday", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "alarm",
                "getitimer", "setitimer", "timer_create", "timer_settime", "timer_gettime", "timer_getoverrun",
                "timer_delete", "timerfd_create", "timerfd_settime", "timerfd_gettime", "times",
            ]
        ),
        SyscallGroup(
            "synchronisation",
            .allowed,
            reason: "Waiting: for memory words and for descriptors.",
            calls: [
                "futex", "futex_waitv", SyscallRule("futex_wake", number: 454), SyscallRule("futex_wait", number: 455),
                SyscallRule("futex_requeue", number: 456), "poll", "ppoll", "select", "pselect6", "epoll_create",
                "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2",
            ]
        ),
        SyscallGroup(
            "descriptors",
            .allowed,
            reason: "Reading, writing and passing on what is open.",
            calls: [
                "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2",
                "lseek", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "pipe", "pipe2", "splice", "tee",
                "vmsplice", "sendfile", "copy_file_range", "readahead", "fadvise64", "getrandom",
                SyscallRule(
                    "ioctl",
                    if: "not TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD, FIBMAP, FIFREEZE, FITHAW: EPERM",
                    .terminalSafeIoctl
                ),
            ]
        ),
        SyscallGroup(
            "files",
            .allowed,
            reason: "Files, links and folders; what is reachable is decided by mounts and Landlock.",
            calls: [
                "access", "faccessat", "faccessat2", "stat", "fstat", "lstat", "newfstatat", "statx", "statfs",
                "fstatfs",
                "getcwd", "chdir", "fchdir", "getdents", "getdents64", "readlink", "readlinkat", "rename", "renameat",
                "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "rmdir", "truncate",
                "ftruncate", "fallocate", "fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "flock", "umask",
                "chown", "fchown", "lchown", "fchownat", "utime", "utimes", "futimesat", "utimensat",
            ]
        ),
        SyscallGroup(
            "file-modes",
            .allowed,
            reason: "Making files and setting their modes, never one that runs as its owner or group (mode 06000).",
            calls: [
                SyscallRule("open", if: created, .openMode(flags: 1, mode: 2)),
                SyscallRule("openat", if: created, .openMode(flags: 2, mode: 3)),
                SyscallRule("creat", if: mode, .mode(argument: 1)),
                SyscallRule("mkdir", if: mode, .mode(argument: 1)),
                SyscallRule("mkdirat", if: mode, .mode(argument: 2)),
                SyscallRule("mknod", if: "a file, FIFO or socket, " + mode, .node(mode: 1)),
                SyscallRule("mknodat", if: "a file, FIFO or socket, " + mode, .node(mode: 2)),
                SyscallRule("chmod", if: mode, .mode(argument: 1)),
                SyscallRule("fchmod", if: mode, .mode(argument: 1)),
                SyscallRule("fchmodat", if: mode, .mode(argument: 2)),
                SyscallRule("fchmodat2", number: 452, if: mode, .mode(argument: 2)),
            ]
        ),
        SyscallGroup(
            "sockets",
            .allowed,
            reason: "Sockets of the own machine (AF_UNIX) and everything that is done with an open socket.",
            calls: [
                SyscallRule(
                    "socket",
                    if: "AF_UNIX, and internet-sockets; other families EAFNOSUPPORT, other protocols EPROTONOSUPPORT, "
                        + "raw sockets EPERM",
                    .socket
                ),
                SyscallRule("socketpair", if: "AF_UNIX, else EAFNOSUPPORT", .socketPair),
                "bind", "connect", "listen", "accept", "accept4", "shutdown", "getsockname", "getpeername",
                "getsockopt",
                "setsockopt", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg",
            ]
        ),
        SyscallGroup(
            "internet-sockets",
            .removable,
            reason: "socket(2) for TCP and UDP and for asking which addresses there are; the network namespace decides "
                + "whom they reach.",
            calls: []
        ),
        SyscallGroup(
            "resources",
            .allowed,
            reason: "Limits, usage, priorities and scheduling of the job's own processes; raising needs a capability.",
            calls: [
                "getrlimit", "setrlimit", SyscallRule("prlimit64", if: notPidOne, .notPidOne), "getrusage", "sysinfo",
                "uname", "getcpu", "getpriority", SyscallRule("setpriority", if: notOfPidOne, .priority), "ioprio_get",
                SyscallRule("ioprio_set", if: notOfPidOne, .ioPriority), "sched_yield",
                "sched_getaffinity", SyscallRule("sched_setaffinity", if: notPidOne, .notPidOne), "sched_getattr",
                SyscallRule("sched_setattr", if: notPidOne, .notPidOne), "sched_getparam",
                SyscallRule("sched_setparam", if: notPidOne, .notPidOne), "sched_getscheduler",
                SyscallRule("sched_setscheduler", if: notPidOne, .notPidOne), "sched_get_priority_max",
                "sched_get_priority_min", "sched_rr_get_interval",
            ]
        ),
        SyscallGroup(
            "probes",
            .allowed,
            reason:
                "Trampolines that the kernel itself puts into a program while the administrator traces it (6.11, 6.18).",
            calls: [SyscallRule("uretprobe", number: 335), SyscallRule("uprobe", number: 336)]
        ),
    ]

    private static let notPidOne = "any process but pid 1, else EPERM"
    private static let notOfPidOne = "any process or group but pid 1 and its own, no user's, else EPERM"
    private static let mode = "mode without 06000, else EPERM"
    private static let created = "mode without 06000 if the call can create, else EPERM"
}
