import Glibc
import SandboxPlan
import Testing

@testable import PolicyCompiler

/// What the filter promises, written down a second time: a mistake in the table must not agree with itself.
@Suite struct SeccompPromiseTests {
    struct Promise: CustomStringConvertible, Sendable {
        var call: String
        var arguments: [UInt64]
        var answer: UInt32

        init(_ call: String, _ arguments: [UInt64] = [], _ answer: UInt32) {
            self.call = call
            self.arguments = arguments
            self.answer = answer
        }

        var description: String { "\(call)\(arguments.map { String($0, radix: 16) })" }
    }

    private static let high: UInt64 = 0xFFFF_FFFF_0000_0000

    static let promises: [Promise] =
        [
            // Namespaces, by every way there is.
            Promise("clone", [0x0120_0011], Answer.allow), Promise("clone", [0x003D_0F00], Answer.allow),
            Promise("clone", [0x1000_0011], Answer.permission), Promise("clone", [0x0002_0011], Answer.permission),
            Promise("clone", [0x4000_0000], Answer.permission),
            Promise("clone", [high | 0x1000_0000], Answer.permission),
            Promise("clone3", Answer.unknown), Promise("unshare", Answer.permission),
            Promise("setns", Answer.permission),
            // Terminal and file-system requests; the kernel looks at 32 bits.
            Promise("ioctl", [0, 0x5412], Answer.permission), Promise("ioctl", [0, high | 0x5412], Answer.permission),
            Promise("ioctl", [0, 1 << 32 | 0x541C], Answer.permission), Promise("ioctl", [0, 0x5401], Answer.allow),
            Promise("ioctl", [0, 0x540E], Answer.allow), Promise("ioctl", [0, 0x8912], Answer.allow),
            // Set-id bits through every call that takes a mode.
            Promise("chmod", [0, 0o755], Answer.allow), Promise("chmod", [0, 0o4755], Answer.permission),
            Promise("chmod", [0, high | 0o2755], Answer.permission), Promise("fchmod", [3, 0o6755], Answer.permission),
            Promise("fchmodat", [3, 0, 0o4000], Answer.permission),
            Promise("fchmodat2", [3, 0, 0o2000], Answer.permission),
            Promise("fchmodat2", [3, 0, 0o1777], Answer.allow), Promise("mkdir", [0, 0o1777], Answer.allow),
            Promise("mkdir", [0, 0o2777], Answer.permission), Promise("mkdirat", [3, 0, 0o4777], Answer.permission),
            Promise("creat", [0, 0o4755], Answer.permission), Promise("open", [0, 0o102, 0o4755], Answer.permission),
            Promise("open", [0, 0, 0o4755], Answer.allow), Promise("openat", [3, 0, 0o102, 0o644], Answer.allow),
            Promise("openat", [3, 0, 0o102, 0o2755], Answer.permission),
            Promise("openat", [3, 0, 0o20_200_002, 0o4755], Answer.permission),
            Promise("openat", [3, 0, 0o20_200_002, 0o755], Answer.allow), Promise("openat2", Answer.unknown),
            Promise("mq_open", [0, 0o102, 0o4755], Answer.permission), Promise("mknod", [0, 0o100_644], Answer.allow),
            Promise("mknod", [0, 0o010_644], Answer.allow), Promise("mknod", [0, 0o020_644], Answer.permission),
            Promise("mknod", [0, 0o060_644], Answer.permission), Promise("mknod", [0, 0o104_755], Answer.permission),
            Promise("mknodat", [3, 0, 0o020_666], Answer.permission),
            Promise("mknodat", [3, 0, 0o140_666], Answer.allow),
        ] + sockets + surface

    private static let family = Answer.errno(97), wrongProtocol = Answer.errno(93)

    static let sockets: [Promise] =
        [
            Promise("socket", [1, 1, 0], Answer.allow), Promise("socket", [1, 0x80805, 0], Answer.allow),
            Promise("socket", [2, 1, 6], Answer.allow), Promise("socket", [2, 0x80002, 17], Answer.allow),
            Promise("socket", [10, 2, 0], Answer.allow), Promise("socket", [high | 2, high | 1, high], Answer.allow),
            Promise("socket", [16, 3, 0], Answer.allow), Promise("socket", [16, 0x80003, 9], wrongProtocol),
            Promise("socket", [16, 3, 15], wrongProtocol), Promise("socket", [16, 3, 12], wrongProtocol),
            Promise("socket", [2, 3, 1], Answer.permission), Promise("socket", [10, 0x80003, 58], Answer.permission),
            Promise("socket", [2, 10, 0x300], Answer.permission), Promise("socket", [2, 1, 262], wrongProtocol),
            Promise("socket", [10, 1, 262], wrongProtocol), Promise("socket", [2, 1, 256], wrongProtocol),
            Promise("socket", [2, 2, 1], wrongProtocol), Promise("socket", [2, 5, 132], Answer.permission),
            Promise("socketpair", [1, 1, 0], Answer.allow), Promise("socketpair", [30, 1, 0], family),
            Promise("socket", [high | 17, 3, 0], family), Promise("socket", [1 << 32 | 40, 1, 0], family),
        ]
        // PACKET, KEY, ALG, VSOCK, XDP, SMC, CAN, TIPC, RDS, BLUETOOTH, NFC, QIPCRTR.
        + [17, 15, 38, 40, 44, 43, 29, 30, 21, 31, 39, 42].map { Promise("socket", [$0, 1, 0], family) }

    static let surface: [Promise] =
        [
            "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "bpf",
        ].map { Promise($0, Answer.kill) }
        + [
            "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "io_uring_setup", "io_uring_enter",
            "io_uring_register", "quotactl", "quotactl_fd", "swapon", "swapoff", "reboot", "acct", "settimeofday",
            "clock_settime", "iopl", "ioperm", "move_pages", "mbind", "open_by_handle_at", "name_to_handle_at",
            "fanotify_init", "syslog", "vhangup", "pivot_root", "chroot", "mount", "umount2", "open_tree", "move_mount",
            "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "open_tree_attr", "modify_ldt", "sethostname",
        ].map { Promise($0, Answer.permission) }
        + ["lookup_dcookie", "nfsservctl", "memfd_secret", "statmount", "listmount"].map { Promise($0, Answer.unknown) }
        + [
            Promise("personality", [0], Answer.allow), Promise("personality", [0xFFFF_FFFF], Answer.allow),
            Promise("personality", [0x4_0000], Answer.allow), Promise("personality", [8], Answer.permission),
            Promise("personality", [0x40_0000], Answer.permission),
            Promise("personality", [0x44_0000], Answer.permission),
            Promise("prctl", [15], Answer.allow), Promise("prctl", [38, 1], Answer.allow),
            Promise("prctl", [35], Answer.permission),
            Promise("prctl", [1 << 32 | 35], Answer.permission), Promise("prctl", [9999], Answer.errno(22)),
            Promise("prctl", [22, 2], Answer.allow), Promise("seccomp", [1, 0], Answer.allow),
            Promise("seccomp", [1, 8], Answer.permission), Promise("seccomp", [1, 0x18], Answer.permission),
            Promise("prlimit64", [0], Answer.allow), Promise("prlimit64", [7], Answer.allow),
            Promise("prlimit64", [1], Answer.permission), Promise("prlimit64", [high | 1], Answer.permission),
            Promise("sched_setaffinity", [1], Answer.permission), Promise("sched_setattr", [1], Answer.permission),
            Promise("sched_setparam", [1], Answer.permission), Promise("sched_setscheduler", [1], Answer.permission),
            Promise("sched_setaffinity", [2], Answer.allow), Promise("sched_setscheduler", [0], Answer.allow),
            Promise("setpriority", [0, 1], Answer.permission), Promise("setpriority", [1, 1], Answer.permission),
            Promise("setpriority", [high, 1], Answer.permission),
            Promise("setpriority", [0, high | 1], Answer.permission),
            Promise("setpriority", [2, 0], Answer.permission), Promise("setpriority", [2, 1000], Answer.permission),
            Promise("setpriority", [high | 2, 7], Answer.permission), Promise("setpriority", [0, 0], Answer.allow),
            Promise("setpriority", [1, 0], Answer.allow), Promise("setpriority", [0, 7], Answer.allow),
            Promise("setpriority", [1, 7], Answer.allow), Promise("setpriority", [3, 7], Answer.allow),
            Promise("ioprio_set", [1, 1], Answer.permission), Promise("ioprio_set", [2, 1], Answer.permission),
            Promise("ioprio_set", [high | 1, high | 1], Answer.permission),
            Promise("ioprio_set", [3, 0], Answer.permission), Promise("ioprio_set", [3, 1000], Answer.permission),
            Promise("ioprio_set", [1, 0], Answer.allow), Promise("ioprio_set", [2, 0], Answer.allow),
            Promise("ioprio_set", [1, 7], Answer.allow), Promise("ioprio_set", [0, 7], Answer.allow),
            // Into the group of pid 1, whose priority would then be that of the caller's own.
            Promise("setpgid", [0, 1], Answer.permission), Promise("setpgid", [7, high | 1], Answer.permission),
            Promise("setpgid", [0, 0], Answer.allow), Promise("setpgid", [1, 7], Answer.allow),
            Promise("ptrace", [16], Answer.allow), Promise("process_vm_readv", Answer.allow),
            Promise("landlock_restrict_self", Answer.allow), Promise("memfd_create", Answer.allow),
            Promise("pidfd_open", Answer.allow), Promise("mseal", Answer.allow), Promise("rseq", Answer.allow),
        ]

    @Test(arguments: promises) func holds(promise: Promise) throws {
        let filter = try SeccompFilterTests.process()
        #expect(try filter.answer(try SyscallTable.number(promise.call), promise.arguments) == promise.answer)
    }

    @Test func leavingOutDebugRefusesTracing() throws {
        let filter = try SeccompFilterTests.process(without: ["debug"])
        for call in ["ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd"] {
            #expect(try filter.answer(try SyscallTable.number(call)) == Answer.permission)
        }
    }

    @Test func leavingOutInternetSocketsKeepsUnixOnes() throws {
        let filter = try SeccompFilterTests.process(without: ["internet-sockets"])
        let socket = try SyscallTable.number("socket")
        #expect(try filter.answer(socket, [1, 1, 0]) == Answer.allow)
        for family: UInt64 in [2, 10, 16] { #expect(try filter.answer(socket, [family, 1, 0]) == Self.family) }
    }
}

extension SeccompPromiseTests.Promise {
    init(_ call: String, _ answer: UInt32) { self.init(call, [], answer) }
}
