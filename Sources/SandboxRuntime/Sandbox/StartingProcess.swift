internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// One process of an open sandbox, from the request to its end.
///
/// Used by the sandbox's thread alone.
final class StartingProcess {
    let number: UInt32
    let plan: LaunchPlan
    let options: ProcessOptions
    var context: LaunchContext
    var store: EvidenceStore
    var gate: Gate?
    /// Set by whoever waits for the start; nil once told.
    var waiting: Latch<StartResult>?
    var findings = Findings()
    /// What it must have as 0, 1 and 2.
    var identities: [StreamIdentity] = []
    var ends = ProcessOptions.Ends()
    /// Seen by their events, in whichever order they come.
    var worker: Int32?
    var values: [Int64]?
    var startedInside: Int64?
    var prepared: PreparedContext?
    var layers: [LayerReport] = []

    /// What its caller has; let go of at its end.
    var process: SandboxedProcess? {
        didSet { if process != nil { isReleased = true } }
    }
    var releasedAt: Int64 = 0
    var releasedMonotonic: Int64 = 0
    /// Monotonic nanoseconds: until when it must stand at the gate, or end.
    var deadline: Int64
    var killAt: Int64?
    var timedOut = false
    var executionError: (errno: Int32, candidate: Int)?

    private(set) var isReleased = false

    init(
        number: UInt32,
        plan: LaunchPlan,
        options: ProcessOptions,
        context: LaunchContext,
        store: consuming EvidenceStore,
        waiting: Latch<StartResult>
    ) {
        self.number = number
        self.plan = plan
        self.options = options
        self.context = context
        self.store = store
        self.waiting = waiting
        deadline = cs_monotonic() + Int64(plan.limits.setUp.milliseconds) * 1_000_000
    }

    /// Whether everything is there that the comparison needs.
    var isAtGate: Bool { worker != nil && values != nil && startedInside != nil }

    /// The caller's ends of a process that does not come to run.
    func closeEnds() {
        for number in ends.all { _ = close(number) }
        ends = ProcessOptions.Ends()
    }

    /// Makes what it gets as 0, 1 and 2.
    ///
    /// - Returns: the process's ends, to be closed when they are sent.
    /// - Throws: `Refusal` when they cannot be made.
    func makeStreams() throws(Refusal) -> [Int32] {
        var theirs: [Int32] = []
        do throws(Refusal) {
            switch options.streams {
            case .pipes:
                for stream in Int32(0)..<3 { theirs.append(try pipe(stream)) }
            case .none, .terminal:
                // A terminal's ends are made by the process itself, in the place's own devpts.
                for stream in 0..<3 {
                    let number = cs_openat2(FileReading.currentFolder, "/dev/null", UInt64(O_RDWR), 0, 0)
                    if number < 0 {
                        throw Refusal(stream: StartingProcess.names[stream], call: "openat2", errno: Int32(-number))
                    }
                    theirs.append(Int32(number))
                }
            }
            if case .terminal = options.streams { return theirs }
            for (stream, number) in theirs.enumerated() {
                try record(stream, number, options.streams == .none ? .nullDevice : .pipe)
            }
        } catch {
            for number in theirs { _ = close(number) }
            closeEnds()
            throw error
        }
        return theirs
    }

    private static let names = ["stdin", "stdout", "stderr"]

    private func pipe(_ stream: Int32) throws(Refusal) -> Int32 {
        var pair: [Int32] = [-1, -1]
        let result = cs_pipe(&pair)
        let name = StartingProcess.names[Int(stream)]
        if result < 0 { throw Refusal(stream: name, call: "pipe2", errno: Int32(-result)) }
        let (ours, theirs) = stream == 0 ? (pair[1], pair[0]) : (pair[0], pair[1])
        switch stream {
        case 0: ends.input = ours
        case 1: ends.output = ours
        default: ends.errors = ours
        }
        // The process may be somebody else, and opens /dev/stdout only if it is its own.
        if plan.identity.dropsFromRoot && fchown(theirs, plan.identity.uid, plan.identity.gid) < 0 {
            let code = errno
            _ = close(theirs)
            throw Refusal(stream: name, call: "fchown", errno: code)
        }
        return theirs
    }

    private func record(_ stream: Int, _ number: Int32, _ kind: StandardStream.Kind) throws(Refusal) {
        let identity = try CallerStream.identity(of: number, StartingProcess.names[stream])
        identities.append(StreamIdentity(device: identity.device, inode: identity.inode))
        context.standardStreams.append(
            StandardStream(
                number: Int32(stream),
                kind: kind,
                device: identity.device,
                inode: identity.inode,
                isRelayed: kind != .nullDevice
            )
        )
    }

    /// The terminal that the process has made for itself: all three of its streams.
    ///
    /// - Parameters:
    ///   - controlling: its controlling end; taken over.
    ///   - root: of the place.
    /// - Throws: `Refusal` when it is none, or not of the place.
    func take(terminal controlling: Int32, root: Int32) throws(Refusal) {
        guard case .terminal(let rows, let columns) = options.streams, ends.output == nil else {
            _ = close(controlling)
            throw Refusal(.unexpected("a terminal that nobody asked for"), steps: [])
        }
        ends.output = controlling
        let peer = cs_terminal_peer(controlling)
        if peer < 0 { throw Refusal(stream: "terminal", call: "ioctl(TIOCGPTPEER)", errno: Int32(-peer)) }
        let file = OwnedFileDescriptor(owning: Int32(peer))
        var size = cs_terminal_size(rows: rows, columns: columns, width: 0, height: 0)
        let sized = cs_terminal_set_size(controlling, &size)
        if sized < 0 { throw Refusal(stream: "terminal", call: "ioctl(TIOCSWINSZ)", errno: Int32(-sized)) }
        for stream in 0..<3 { try record(stream, file.number, .terminal) }
        let number = cs_terminal_number(controlling)
        if number < 0 { throw Refusal(stream: "terminal", call: "ioctl(TIOCGPTN)", errno: Int32(-number)) }
        try TerminalVerification.verify(number: number, peer: file.number, root: root, &findings)
    }
}
