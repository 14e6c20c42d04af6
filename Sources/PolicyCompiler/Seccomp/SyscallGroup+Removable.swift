/// What a policy can leave out because most jobs do without.
extension SyscallGroup {
    static let removable: [SyscallGroup] = [
        SyscallGroup(
            "debug",
            .removable,
            reason:
                "Tracing one's own children (gdb, strace, leak checkers); pid 1 is not dumpable and nobody else is there.",
            calls: ["ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp"]
        ),
        SyscallGroup(
            "process-handles",
            .removable,
            reason: "Naming a process of the job by a descriptor.",
            calls: ["pidfd_open", "pidfd_send_signal"]
        ),
        SyscallGroup(
            "extended-attributes",
            .removable,
            reason: "Attributes of files; names and values cannot be seen by a filter, security.* is held by the user "
                + "namespace and the empty capability sets.",
            calls: [
                "setxattr", "lsetxattr", "fsetxattr", "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr",
                "flistxattr", "removexattr", "lremovexattr", "fremovexattr",
            ]
        ),
        SyscallGroup(
            "file-watch",
            .removable,
            reason: "inotify, which editors, test runners and build servers watch files with.",
            calls: ["inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch"]
        ),
        SyscallGroup(
            "memory-files",
            .removable,
            reason: "memfd_create(2): files without a name, for runtimes that share or map generated code.",
            calls: ["memfd_create"]
        ),
        SyscallGroup(
            "sysv-ipc",
            .removable,
            reason: "System V shared memory, semaphores and messages; the IPC namespace is the job's own.",
            calls: [
                "shmget", "shmat", "shmdt", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd",
                "msgrcv", "msgctl",
            ]
        ),
        SyscallGroup(
            "message-queues",
            .removable,
            reason: "POSIX message queues, the job's own; EACCES where Landlock is, which has no rule for them.",
            calls: [
                SyscallRule(
                    "mq_open",
                    if: "mode without 06000 if the call can create, else EPERM",
                    .openMode(flags: 1, mode: 2)
                ),
                "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr",
            ]
        ),
        SyscallGroup(
            "aio",
            .removable,
            reason: "The older asynchronous file input and output (libaio), which databases use.",
            calls: ["io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents", "io_pgetevents"]
        ),
        SyscallGroup(
            "self-restriction",
            .removable,
            reason: "A job may restrict itself further: Landlock and seccomp only ever take away.",
            calls: [
                SyscallRule("seccomp", if: "not with SECCOMP_FILTER_FLAG_NEW_LISTENER: EPERM", .seccompWithoutListener),
                "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
            ]
        ),
    ]
}
