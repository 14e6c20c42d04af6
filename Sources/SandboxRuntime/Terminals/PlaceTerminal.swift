internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// One terminal of a place: its controlling end is the supervisor's, the other end is what the job has.
final class PlaceTerminal {
    /// What is typed for the job.
    enum Keyboard {
        /// Nothing: its input is something else, and the keyboard is the caller's.
        case none
        /// Lines that the caller's terminal has edited: output goes elsewhere, and others may use that terminal.
        case lines
        /// Every key.
        case keys
        /// What comes from something that is no terminal.
        case typed
    }

    /// The caller's streams that are this terminal for the job.
    let streams: [CallerStream]
    let keyboard: Keyboard
    private var controlling: Int32
    /// The job's end; kept open, because a terminal that nobody has open reads as gone.
    private(set) var peer: Int32
    /// Number below `/dev/pts`.
    let number: Int
    private(set) var relays: [Relay] = []
    /// The caller's terminal, if one of the streams is.
    private(set) var caller: CallerTerminal?
    private var screen: Screen?
    private var isDressed = false

    /// - Parameters:
    ///   - controlling: the end that pid 1 has sent; taken over.
    ///   - streams: the caller's that become it, at least one.
    ///   - all: the caller's three.
    /// - Throws: `Refusal` when it is no controlling end of a terminal.
    init(controlling: Int32, streams: [CallerStream], all: [CallerStream]) throws(Refusal) {
        self.streams = streams
        self.controlling = controlling
        keyboard = PlaceTerminal.keyboard(streams, all)
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

    /// In a pipeline the others use the same terminal, and may set it up for themselves: then it is left as it is.
    private static func keyboard(_ streams: [CallerStream], _ all: [CallerStream]) -> Keyboard {
        guard let input = streams.first(where: { $0.number == STDIN_FILENO }) else { return .none }
        guard isTerminal(input) else { return .typed }
        let isShared = all[2].kind == .pipe || all[2].kind == .socket
        return isTerminal(all[1]) && streams.contains { $0.number == STDOUT_FILENO } && !isShared ? .keys : .lines
    }

    private static func isTerminal(_ stream: CallerStream) -> Bool {
        stream.kind == .terminal && !stream.isTerminalMaster
    }

    /// Device number of the job's end, as `/proc/PID/stat` writes it: 136 and up for every 256 of them (devices.txt).
    var device: UInt64 {
        let (major, minor) = (136 + UInt64(number) / 256, UInt64(number) % 256)
        return major << 8 | minor
    }

    /// The job's end for one of its streams: where there is nothing to be read, it cannot be waited for either.
    ///
    /// - Returns: a descriptor, the caller's to close.
    /// - Throws: `Refusal`.
    func end(for stream: CallerStream) throws(Refusal) -> Int32 {
        let end = keyboard == .none ? cs_terminal_screen(controlling) : cs_duplicate(peer)
        if end < 0 { throw Refusal(stream: stream.name, call: "ioctl(TIOCGPTPEER)", errno: Int32(-end)) }
        return Int32(end)
    }

    /// Connects it with the caller's streams; nothing is typed for the job yet.
    ///
    /// - Throws: `Refusal`.
    func connect() throws(Refusal) {
        let input = streams.first { $0.number == STDIN_FILENO }
        let shown = streams.first { $0.number != STDIN_FILENO } ?? input
        guard let shown else { preconditionFailure("a terminal has a stream") }
        var sink = RelayEnd(writing: shown)
        // A terminal that is only to be read, and another user's: what is echoed is for nobody.
        if shown.number == STDIN_FILENO, sink.number == STDIN_FILENO, !shown.isWritable {
            let nowhere = cs_openat2(FileReading.currentFolder, "/dev/null", UInt64(O_WRONLY), 0, 0)
            if nowhere < 0 { throw PlaceTerminal.refusal("openat2", nowhere) }
            sink = RelayEnd(nowhere: Int32(nowhere))
        }
        screen = PlaceTerminal.isTerminal(shown) ? try Screen(sink) : nil
        if let terminal = streams.first(where: PlaceTerminal.isTerminal) {
            let caller = try CallerTerminal(terminal.number, screen: screen, takesKeyboard: keyboard == .keys)
            self.caller = caller
            // With --tty it may be another one that is shown, whose answers are typed there.
            let isSame = shown.number == terminal.number || TerminalLayout.isSame(shown.number, terminal.number)
            screen?.isAnswered = { [weak caller] in isSame && caller?.hasKeyboard == true }
        }
        try dress()
        let outward = Relay(from: RelayEnd(ours: try copy()), to: sink, name: shown.name, isOutward: true)
        outward.filter = screen
        outward.finished = { [weak self] in self?.hangUp() }
        relays.append(outward)
        guard let input, keyboard != .none else { return }
        let inward = Relay(
            from: RelayEnd(input),
            to: RelayEnd(ours: try copy()),
            name: input.name,
            isOutward: false
        )
        // A pipe ends, and so does a line editor's file, again and again: both are said by the character for it. A keyboard that
        // ends is gone.
        if keyboard != .keys { inward.ending = endOfFile }
        inward.endsOften = keyboard == .lines
        if keyboard != .typed { inward.finished = { [weak self] in self?.hangUp() } }
        relays.append(inward)
    }

    /// Somebody has continued this process: whoever had the terminal meanwhile may have set it up for himself.
    func resume() {
        caller?.resume()
        take()
    }

    /// Takes the caller's keyboard, if it is there to be taken.
    func take() {
        offerNothing()
        guard let caller, caller.take() else { return }
        // Begun in the background, where the modes were a shell's.
        if !isDressed {
            isDressed = true
            var modes = caller.modes
            _ = cs_terminal_set_modes(peer, &modes)
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

    /// The caller's terminal is somebody else's for a while: nothing that was asked is left to him, and no sequence half begun.
    func leave() {
        silence()
        caller?.awaitAnswers()
        screen?.leaveSequence()
        caller?.giveBack()
    }

    /// The same, while output is still to be shown: what that asks is asked of nobody.
    func leaveUnanswered() {
        silence()
        caller?.awaitAnswers()
        caller?.giveBack()
    }

    private func silence() {
        for relay in relays where relay.isOutward && !relay.isFinished { screen?.silence(relay) }
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

    /// Lets nobody wait for a key where none can come.
    ///
    /// The job's descriptors cannot be read, but poll(2) and select(2) wait on them all the same, and a program (vim) would
    /// wait for ever. With something there it tries to read, and is told EBADF. The character for the end of a file is shown by no
    /// terminal that edits lines. Told anew when modes were set that forget it.
    private func offerNothing() {
        guard keyboard == .none, peer >= 0, controlling >= 0 else { return }
        var waiting = pollfd(fd: peer, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, 0) == 0 else { return }
        var end = endOfFile
        // 0 stands for no such character (termios(3), _POSIX_VDISABLE).
        if end != 0 { _ = write(controlling, &end, 1) }
    }

    /// The caller's modes and size.
    private func dress() throws(Refusal) {
        resize()
        guard let caller else { return }
        var modes = caller.modes
        switch keyboard {
        case .typed: return
        case .keys:
            // In the background they are those of a shell that edits its line; the job gets a fresh terminal's until then.
            if !caller.isOurs { return }
            isDressed = true
        case .lines: modes = cs_terminal_without_echo(modes)
        // It stays as it is, and makes of each line's end what the job's would have made already.
        case .none: modes = cs_terminal_plain_output(modes)
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
