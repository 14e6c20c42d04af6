internal import SandboxCLI
internal import SandboxPlan

/// One act of `verify`: what is tried, and how it is seen whether it was let through.
struct HostileAct {
    enum Sight {
        /// The attempt's own errno is 0.
        case errno
        /// The token is in what the attempt printed.
        case token
        /// A fact outside, asked for after the attempt; the second half is put back before the next one.
        case fact(_ happened: (VerifyPlace) -> Bool, reset: (VerifyPlace) -> Void)
    }

    var name: String
    var what: String
    /// As `cs_attempt` takes them.
    var words: (VerifyPlace) -> [OSString]
    var sight: Sight
    /// A further option of `run` with its value; the act is left out where the caller gave another value.
    var runOptions: [OSString] = []
    /// For so many milliseconds a fact is waited for when the attempt says that it was let through.
    var patience = 0
    /// What is not held where it is let through in a weaker profile; nil for what every profile holds.
    var promise: WeakerPromise?
    /// Whether standard input is a terminal.
    var needsTerminal = false

    var judge: VerifyReport.Judge {
        switch sight {
        case .errno: .attempt
        case .token, .fact: .outside
        }
    }

    private static func number(_ number: Int32) -> OSString { OSString(String(number)) }

    /// A file that is not as it was.
    private static func changed(
        _ file: @escaping @Sendable (VerifyPlace) -> OSString
    ) -> Sight {
        .fact({ FactFile.size(file($0)) != FactFile.content.count }, reset: { FactFile.make(file($0)) })
    }

    /// A file that is there.
    private static func made(_ file: @escaping @Sendable (VerifyPlace) -> OSString) -> Sight {
        .fact({ FactFile.size(file($0)) != nil }, reset: { FactFile.remove(file($0)) })
    }

    private static func reached(_ listener: @escaping @Sendable (VerifyPlace) -> Int32) -> Sight {
        .fact({ VerifyPlace.wasReached(listener($0)) }, reset: { _ = VerifyPlace.wasReached(listener($0)) })
    }

    /// What a process of the workspace must not come by.
    static var files: [HostileAct] {
        [
            HostileAct(
                name: "read-outside",
                what: "read a file outside of the workspace",
                words: { ["read", $0.secret] },
                sight: .token
            ),
            HostileAct(
                name: "read-by-link",
                what: "the same by a link in the workspace",
                words: { ["read", $0.secretLink] },
                sight: .token
            ),
            HostileAct(
                name: "read-descriptor",
                what: "read a descriptor that the caller left open",
                words: { _ in ["descriptor", OSString(String(VerifyPlace.leftOpen))] },
                sight: .token
            ),
            HostileAct(
                name: "read-environment",
                what: "read a variable of the caller's",
                words: { _ in ["environment", VerifyPlace.variable] },
                sight: .token
            ),
            HostileAct(
                name: "read-keyring",
                what: "read a key of the caller's session keyring",
                words: { ["keyring", OSString($0.keyName)] },
                sight: .token
            ),
            HostileAct(
                name: "write-outside",
                what: "append to a file outside of the workspace",
                words: { ["write", $0.target] },
                sight: changed { $0.target }
            ),
            HostileAct(
                name: "write-by-link",
                what: "the same by a link in the workspace",
                words: { ["write", $0.targetLink] },
                sight: changed { $0.target }
            ),
            HostileAct(
                name: "create-outside",
                what: "make a file outside of the workspace",
                words: { ["create", $0.created] },
                sight: made { $0.created }
            ),
            HostileAct(
                name: "remove-outside",
                what: "remove a file outside of the workspace",
                words: { ["remove", $0.target] },
                sight: .fact({ FactFile.size($0.target) == nil }, reset: { FactFile.make($0.target) })
            ),
            HostileAct(
                name: "git-hook",
                what: "plant a hook in the workspace's repository",
                words: { ["create", $0.hook] },
                sight: made { $0.hook },
                promise: .protectedNames
            ),
            HostileAct(
                name: "set-uid-file",
                what: "give a file in the workspace the set-user-id bit",
                words: { ["set-uid", $0.program] },
                sight: .fact({ FactFile.isSetUid($0.program) }, reset: { FactFile.clearSetUid($0.program) })
            ),
            HostileAct(
                name: "device",
                what: "open /dev/fuse",
                words: { _ in ["device", "/dev/fuse"] },
                sight: .errno
            ),
        ]
    }

    static var network: [HostileAct] {
        [
            HostileAct(
                name: "tcp",
                what: "connect to a TCP port of this host",
                words: { ["tcp", number($0.tcpPort)] },
                sight: reached { $0.tcp }
            ),
            HostileAct(
                name: "udp",
                what: "send to a UDP port of this host",
                words: { ["udp", number($0.udpPort)] },
                sight: reached { $0.udp }
            ),
            HostileAct(
                name: "unix-socket",
                what: "connect to a unix socket outside of the workspace",
                words: { ["unix", $0.socketPath] },
                sight: reached { $0.socket }
            ),
            HostileAct(
                name: "abstract-socket",
                what: "connect to an abstract unix socket",
                words: { ["abstract", OSString($0.abstractName)] },
                sight: reached { $0.abstract }
            ),
            HostileAct(name: "raw-socket", what: "open a raw socket", words: { _ in ["raw-socket"] }, sight: .errno),
            HostileAct(
                name: "crypto-socket",
                what: "open a socket of the kernel's cryptography",
                words: { _ in ["crypto-socket"] },
                sight: .errno
            ),
        ]
    }

    static var processes: [HostileAct] {
        [
            HostileAct(
                name: "see-process",
                what: "read the name of a process outside",
                words: { ["see", number($0.canary)] },
                sight: .token,
                promise: .processDetails
            ),
            HostileAct(
                name: "trace-process",
                what: "trace a process outside",
                words: { ["trace", number($0.canary)] },
                sight: .errno
            ),
            HostileAct(
                name: "write-memory",
                what: "write into the memory of a process outside",
                words: { ["memory", number($0.canary), $0.pageAddress] },
                sight: .fact({ $0.page[0] != 0 }, reset: { $0.page[0] = 0 })
            ),
        ]
    }

    /// - Parameter tasks: that the caller's account has, where the limit of a job counts those too; else nil.
    /// - Returns: the act, with a limit that it goes beyond.
    private static func manyProcesses(beside tasks: UInt64?) -> HostileAct {
        var act = HostileAct(
            name: "many-processes",
            what: "make 128 processes where 64 are allowed",
            words: { _ in ["fork", "128"] },
            sight: .errno,
            runOptions: ["--pids", "64"]
        )
        guard let tasks else { return act }
        // More: some of the account's may end meanwhile.
        act.what = "make 256 processes where the account may have 64 more"
        act.words = { _ in ["fork", "256"] }
        act.runOptions = ["--pids", OSString("\(tasks + 64)")]
        return act
    }

    static var kernel: [HostileAct] {
        [
            ("user-namespace", "make a user namespace", ["user-namespace"]),
            ("bpf", "make a map for bpf(2)", ["bpf"]),
            ("io-uring", "set io_uring up", ["io-uring"]),
            ("perf", "open a performance counter", ["perf"]),
            ("userfaultfd", "handle page faults itself", ["userfaultfd"]),
        ].map { row in HostileAct(name: row.0, what: row.1, words: { _ in row.2 }, sight: .errno) } + [
            HostileAct(
                name: "mount",
                what: "mount a file system, in a namespace of its own",
                words: { ["mount", $0.mountPoint] },
                sight: .errno
            ),
            HostileAct(
                name: "terminal-input",
                what: "type into the caller's terminal (TIOCSTI)",
                words: { _ in ["terminal"] },
                sight: .errno,
                needsTerminal: true
            ),
            // The last: outside it ends the process that others are judged by.
            HostileAct(
                name: "kill-process",
                what: "kill a process outside",
                words: { ["kill", number($0.canary)] },
                sight: .fact({ !$0.canaryLives }, reset: { $0.startCanary() }),
                patience: 2000,
                promise: .signals
            ),
        ]
    }

    /// - Parameter tasks: as for `manyProcesses`.
    /// - Returns: every act, in the order in which they are made.
    static func all(beside tasks: UInt64?) -> [HostileAct] {
        files + network + processes + [manyProcesses(beside: tasks)] + kernel
    }
}
