internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// One terminal of a place: its controlling end is the supervisor's, the other end is what the job has.
final class PlaceTerminal {
    /// The caller's streams that are this terminal for the job.
    let streams: [CallerStream]
    private var controlling: Int32
    /// The job's end; kept open, because a terminal that nobody has open reads as gone.
    private(set) var peer: Int32
    /// Number below `/dev/pts`.
    let number: Int
    private(set) var relays: [Relay] = []
    /// The caller's terminal, if the job gets its keyboard.
    private(set) var caller: CallerTerminal?

    /// - Parameters:
    ///   - controlling: the end that pid 1 has sent; taken over.
    ///   - streams: the caller's that become it, at least one.
    /// - Throws: `Refusal` when it is no controlling end of a terminal.
    init(controlling: Int32, streams: [CallerStream]) throws(Refusal) {
        self.streams = streams
        self.controlling = controlling
        peer = -1
        let number = cs_terminal_number(controlling)
        self.number = number
        if number < 0 { throw PlaceTerminal.refusal("ioctl(TIOCGPTN)", number) }
        let peer = cs_terminal_peer(controlling)
        if peer < 0 { throw PlaceTerminal.refusal("ioctl(TIOCGPTPEER)", peer) }
        self.peer = Int32(peer)
        let flagged = cs_set_flags(controlling, O_RDWR | O_NONBLOCK)
        if flagged < 0 { throw PlaceTerminal.refusal("fcntl", flagged) }
    }

    deinit {
        hangUp()
    }

    /// Device number of the job's end, as `/proc/PID/stat` writes it: 136 and up for every 256 of them (devices.txt).
    var device: UInt64 {
        let (major, minor) = (136 + UInt64(number) / 256, UInt64(number) % 256)
        return major << 8 | minor
    }

    /// Connects it with the caller's streams; nothing is typed for the job yet.
    ///
    /// - Throws: `Refusal`.
    func connect() throws(Refusal) {
        let keyboard = streams.first { $0.number == STDIN_FILENO && $0.isReadable }
        let screen = streams.first { $0.number != STDIN_FILENO && $0.isWritable } ?? keyboard
        let isKeyboard = keyboard.map { $0.kind == .terminal && !$0.isTerminalMaster } ?? false
        let sink = screen.map { RelayEnd(writing: $0) }
        if isKeyboard, let keyboard {
            caller = try CallerTerminal(keyboard.number, output: sink?.number ?? keyboard.number)
        }
        try dress()
        if let sink, let screen {
            let relay = Relay(from: RelayEnd(ours: try copy()), to: sink, name: screen.name, isOutward: true)
            let caller = caller
            relay.follow = caller.map { caller in { caller.follow($0) } }
            relay.finished = { [weak self] in self?.hangUp() }
            relays.append(relay)
        }
        if let keyboard {
            let relay = Relay(
                from: RelayEnd(keyboard),
                to: RelayEnd(ours: try copy()),
                name: keyboard.name,
                isOutward: false
            )
            // A pipe ends, a keyboard says so: by the character that the terminal takes for the end.
            if isKeyboard { relay.finished = { [weak self] in self?.hangUp() } } else { relay.ending = endOfFile }
            relays.append(relay)
        }
    }

    /// The caller's size, for the job too: the kernel tells it with SIGWINCH.
    func resize() {
        var size = cs_terminal_size(rows: 24, columns: 80, width: 0, height: 0)
        for stream in streams where stream.kind == .terminal && cs_terminal_size(stream.number, &size) == 0 { break }
        _ = cs_terminal_set_size(controlling, &size)
    }

    /// After the end of the place: nothing is typed for it any more, and what it has written is all there is.
    func endInput() {
        closePeer()
        for relay in relays where !relay.isOutward {
            // That it ends is no hang-up: output may still be on the way.
            relay.finished = nil
            relay.finish()
        }
    }

    private func closePeer() {
        if peer >= 0 { _ = close(peer) }
        peer = -1
    }

    /// Nobody sees it any more: the job is told so, as by any terminal that goes away.
    func hangUp() {
        closePeer()
        if controlling >= 0 { _ = close(controlling) }
        controlling = -1
        for relay in relays { relay.finish() }
    }

    // MARK: -

    /// The caller's modes and size.
    private func dress() throws(Refusal) {
        resize()
        var modes = cs_terminal_modes()
        if let caller {
            modes = caller.modes
        } else {
            guard let shown = streams.first(where: { $0.kind == .terminal && !$0.isTerminalMaster }) else { return }
            let known = cs_terminal_modes(shown.number, &modes)
            if known < 0 { throw PlaceTerminal.refusal("ioctl(TCGETS2)", known) }
            // It stays as it is, and makes of each line's end what the job's would have made already.
            modes = cs_terminal_plain_output(modes)
        }
        let set = cs_terminal_set_modes(peer, &modes)
        if set < 0 { throw PlaceTerminal.refusal("ioctl(TCSETS2)", set) }
    }

    private var endOfFile: UInt8 {
        var modes = cs_terminal_modes()
        return cs_terminal_modes(peer, &modes) == 0 ? cs_terminal_end_of_file(&modes) : 4
    }

    private func copy() throws(Refusal) -> Int32 {
        let copy = cs_duplicate(controlling)
        if copy < 0 { throw PlaceTerminal.refusal("fcntl(F_DUPFD_CLOEXEC)", copy) }
        return Int32(copy)
    }

    private static func refusal(_ call: String, _ result: Int) -> Refusal {
        Refusal(
            stage: "streams",
            step: call,
            subject: "terminal of the job",
            errno: Int32(clamping: -result),
            message: "the job's terminal cannot be set up",
            remedy: "run without one: --no-tty",
            layer: .descriptors
        )
    }
}
