import Glibc

/// The questions that the table asks, each with what the kernel makes of the argument.
extension SyscallDecision {
    static let allow = SyscallDecision.answer(.allow)
    static let deny = SyscallDecision.answer(.denied)

    private static let setIDBits: UInt32 = 0o6000

    /// chmod(2), mkdir(2) and their like: a file that runs as its owner or group cannot be made.
    static func mode(argument: UInt32) -> SyscallDecision {
        .field(argument: argument, mask: setIDBits, cases: [Case([0], .allow)], otherwise: .deny)
    }

    /// open(2): the mode counts only when the call can create a file (O_CREAT, __O_TMPFILE).
    static func openMode(flags: UInt32, mode: UInt32) -> SyscallDecision {
        let creates: UInt32 = 0o100 | 0o20_000_000
        return .field(
            argument: flags,
            mask: creates,
            cases: [Case([0], .allow)],
            otherwise: .mode(argument: mode)
        )
    }

    /// mknod(2): regular files, FIFOs and sockets; devices need a capability nobody here has, and are refused anyway.
    static func node(mode: UInt32) -> SyscallDecision {
        let regular: UInt32 = 0o100_000, fifo: UInt32 = 0o010_000, socket: UInt32 = 0o140_000
        return .field(
            argument: mode,
            mask: 0o170_000 | setIDBits,
            cases: [Case([0, regular, fifo, socket], .allow)],
            otherwise: .deny
        )
    }

    /// clone(2): no new namespace.
    ///
    /// CLONE_NEWTIME cannot be asked for here, its bit is part of the exit signal.
    static let cloneWithoutNamespaces = SyscallDecision.field(
        argument: 0,
        // NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
        mask: 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000,
        cases: [Case([0], .allow)],
        otherwise: .deny
    )

    /// ioctl(2): everything but requests that act on a terminal's input, on the console or below a file system.
    static let terminalSafeIoctl = SyscallDecision.field(
        argument: 1,
        mask: 0xFFFF_FFFF,
        // TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD, FIBMAP, FIFREEZE, FITHAW.
        cases: [Case([0x5412, 0x541C, 0x541D, 0x5423, 0x1, 0xC004_5877, 0xC004_5878], .deny)],
        otherwise: .allow
    )

    /// prlimit(2), sched_setaffinity(2) and their like on a process by its number: any but pid 1, which holds the place's limits and
    /// is of the same user.
    static let notPidOne = SyscallDecision.field(
        argument: 0,
        mask: 0xFFFF_FFFF,
        cases: [Case([1], .deny)],
        otherwise: .allow
    )

    /// setpriority(2): of a process or a group by its number, but of pid 1 and its group; of a user's processes pid 1 is one.
    static let priority = notOfPidOne(user: 2)  // PRIO_USER

    /// ioprio_set(2), likewise.
    static let ioPriority = notOfPidOne(user: 3)  // IOPRIO_WHO_USER

    /// `which` and `who` of these calls; kinds that nobody knows the kernel refuses (EINVAL).
    private static func notOfPidOne(user: UInt32) -> SyscallDecision {
        .field(argument: 0, mask: any, cases: [Case([user], .deny)], otherwise: secondIsNotOne)
    }

    /// setpgid(2): into any group but that of pid 1, which would get what is set for the caller's own (`who` 0).
    static let notGroupOfPidOne = secondIsNotOne

    private static let secondIsNotOne = SyscallDecision.field(
        argument: 1,
        mask: any,
        cases: [Case([1], .deny)],
        otherwise: .allow
    )

    /// personality(2): the ordinary one, the query, and ADDR_NO_RANDOMIZE, which gdb and sanitizers set for their child.
    static let personality = SyscallDecision.field(
        argument: 0,
        mask: 0xFFFF_FFFF,
        cases: [Case([0, 0x0004_0000, 0xFFFF_FFFF], .allow)],
        otherwise: .deny
    )

    /// seccomp(2): everything but SECCOMP_FILTER_FLAG_NEW_LISTENER.
    static let seccompWithoutListener = SyscallDecision.field(
        argument: 1,
        mask: 1 << 3,
        cases: [Case([0], .allow)],
        otherwise: .deny
    )

    /// prctl(2): options that act on the caller alone; an option nobody knows is answered as an older kernel would.
    static let prctl = SyscallDecision.field(
        argument: 0,
        mask: 0xFFFF_FFFF,
        cases: [
            Case(prctlAllowed.map(\.number), .allow),
            Case(prctlDenied.map(\.number), .deny),
        ],
        otherwise: .answer(.errno(UInt16(EINVAL)))
    )

    private static let prctlAllowed: [(name: String, number: UInt32)] = [
        ("PDEATHSIG", 1), ("GET_PDEATHSIG", 2), ("GET_DUMPABLE", 3), ("SET_DUMPABLE", 4), ("GET_KEEPCAPS", 7),
        ("SET_KEEPCAPS", 8), ("SET_NAME", 15), ("GET_NAME", 16), ("GET_SECCOMP", 21), ("SET_SECCOMP", 22),
        ("CAPBSET_READ", 23), ("CAPBSET_DROP", 24), ("GET_TSC", 25), ("SET_TSC", 26), ("GET_SECUREBITS", 27),
        ("SET_SECUREBITS", 28), ("SET_TIMERSLACK", 29), ("GET_TIMERSLACK", 30), ("SET_CHILD_SUBREAPER", 36),
        ("GET_CHILD_SUBREAPER", 37), ("SET_NO_NEW_PRIVS", 38), ("GET_NO_NEW_PRIVS", 39), ("GET_TID_ADDRESS", 40),
        ("SET_THP_DISABLE", 41), ("GET_THP_DISABLE", 42), ("CAP_AMBIENT", 47), ("GET_SPECULATION_CTRL", 52),
        ("SET_SPECULATION_CTRL", 53), ("SET_MDWE", 65), ("GET_MDWE", 66), ("GET_AUXV", 0x4155_5856),
        ("SET_PTRACER", 0x5961_6D61), ("SET_VMA", 0x5356_4D41),
    ]

    private static let prctlDenied: [(name: String, number: UInt32)] = [
        // Forges what /proc says of a process: its command line, its environment, its executable.
        ("SET_MM", 35),
        // Turns system calls of the process into signals; only emulators of other systems use it.
        ("SET_SYSCALL_USER_DISPATCH", 59),
        // Keeps the sibling of a CPU from everybody else.
        ("SCHED_CORE", 62),
        // Merges equal pages across processes: a side channel.
        ("SET_MEMORY_MERGE", 67),
    ]

    private static let any: UInt32 = 0xFFFF_FFFF
    private static let typeMask: UInt32 = 0xF
    private static let stream: UInt32 = 1, datagram: UInt32 = 2, raw: UInt32 = 3, sequenced: UInt32 = 5

    /// socket(2): UNIX, IPv4, IPv6 and the routing part of netlink.
    ///
    /// Other families get EAFNOSUPPORT and other protocols EPROTONOSUPPORT, as on a kernel without them: programs that
    /// try AF_ALG, audit or MPTCP then go on without. A raw socket gets EPERM, as without CAP_NET_RAW.
    static let socket = SyscallDecision.field(
        argument: 0,
        mask: any,
        cases: [
            Case([UInt32(AF_UNIX)], types([stream, datagram, sequenced])),
            Case([UInt32(AF_INET), UInt32(AF_INET6)], group: "internet-sockets", internet),
            Case([UInt32(AF_NETLINK)], group: "internet-sockets", routing),
        ],
        otherwise: .answer(.errno(UInt16(EAFNOSUPPORT)))
    )

    /// socketpair(2): UNIX, the only ordinary family that has pairs.
    static let socketPair = SyscallDecision.field(
        argument: 0,
        mask: any,
        cases: [Case([UInt32(AF_UNIX)], types([stream, datagram, sequenced]))],
        otherwise: .answer(.errno(UInt16(EAFNOSUPPORT)))
    )

    private static func types(_ types: [UInt32]) -> SyscallDecision {
        .field(argument: 1, mask: typeMask, cases: [Case(types, .allow)], otherwise: .deny)
    }

    /// TCP and UDP; neither MPTCP (262) nor SMC (256), which pass by Landlock's rules for TCP.
    private static let internet = SyscallDecision.field(
        argument: 1,
        mask: typeMask,
        cases: [Case([stream], protocols([0, 6])), Case([datagram], protocols([0, 17]))],
        otherwise: .deny
    )

    /// NETLINK_ROUTE, which getaddrinfo(3) and getifaddrs(3) ask for the addresses there are.
    private static let routing = SyscallDecision.field(
        argument: 1,
        mask: typeMask,
        cases: [Case([datagram, raw], protocols([0]))],
        otherwise: .deny
    )

    private static func protocols(_ numbers: [UInt32]) -> SyscallDecision {
        .field(
            argument: 2,
            mask: any,
            cases: [Case(numbers, .allow)],
            otherwise: .answer(.errno(UInt16(EPROTONOSUPPORT)))
        )
    }
}
