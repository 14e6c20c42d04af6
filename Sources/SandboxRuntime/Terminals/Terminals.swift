internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// All terminals of one place, and the signals by which the caller's terminal speaks to whoever runs in it.
final class Terminals {
    let all: [PlaceTerminal]
    /// signalfd(2) for SIGWINCH, SIGTSTP and SIGCONT.
    let signals: OwnedFileDescriptor

    private static let heeded: [Int32] = [SIGWINCH, SIGTSTP, SIGCONT]

    /// - Parameters:
    ///   - controlling: the ends that pid 1 has sent; taken over.
    ///   - layout: the streams of each, as many.
    ///   - streams: the caller's three.
    /// - Throws: `Refusal`.
    init(_ controlling: [Int32], _ layout: [[Int]], _ streams: [CallerStream]) throws(Refusal) {
        var rest = controlling
        defer { for number in rest { _ = close(number) } }
        guard controlling.count == layout.count else {
            throw Refusal(
                stage: "streams",
                subject: "terminals of the job",
                message: "pid 1 sent \(controlling.count) terminals, the plan has \(layout.count)",
                remedy: "report this with the record",
                layer: .descriptors
            )
        }
        let result = cs_signalfd(Terminals.heeded, Int32(Terminals.heeded.count))
        if result < 0 { throw Refusal(stream: "stdin", call: "signalfd", errno: Int32(-result)) }
        signals = OwnedFileDescriptor(owning: Int32(result))
        var all: [PlaceTerminal] = []
        for group in layout {
            let own = group.map { streams[$0] }
            all.append(try PlaceTerminal(controlling: rest.removeFirst(), streams: own, all: streams))
        }
        self.all = all
        for terminal in all { try terminal.connect() }
    }

    /// Signals that must stay blocked while the job runs, so that they are read here.
    var blocked: [Int32] { Terminals.heeded }

    /// Whether the cursor is left behind something.
    var isMidLine: Bool { relays.contains { $0.isOutward && !$0.isAtLineStart } }

    /// Whether something is still to be shown.
    var isShowing: Bool { relays.contains { $0.isOutward && !$0.isFinished } }

    var relays: [Relay] { all.flatMap { $0.relays } }

    /// Takes the keyboard, if it is there to be taken.
    func take() {
        for terminal in all { terminal.take() }
    }

    /// The same, when somebody has continued this process.
    func resume() {
        for terminal in all { terminal.resume() }
    }

    /// The next signal, if one is there.
    func nextSignal() -> Int32? {
        var information = [UInt8](repeating: 0, count: 128)
        let number = signals.number
        let result = information.withUnsafeMutableBytes { read(number, $0.baseAddress, $0.count) }
        guard result == 128 else { return nil }
        return information.withUnsafeBytes { Int32($0.load(as: UInt32.self)) }
    }

    func resize() {
        for terminal in all { terminal.resize() }
    }

    /// Whether a job that stops stops this process group, too: it has the terminal's foreground, and somebody can wake it.
    var canStop: Bool {
        cs_is_ignored(SIGTSTP) != 1 && all.contains { $0.caller?.isOurs == true }
    }

    /// Stops this process group, as the keyboard would have (termios(3), VSUSP).
    ///
    /// - Returns: whether it stopped, and goes on now; false where nobody is there to wake it.
    func stop() -> Bool {
        // What the terminal answers is for the job, or for nobody: never for the shell that has it next.
        OutputDelivery(relays.filter { $0.isOutward }).deliverWithoutWaiting(pieces: 256)
        for terminal in all {
            terminal.leave()
            terminal.caller?.rest(true)
        }
        while nextSignal() != nil {}
        var stopping = sigset_t()
        sigemptyset(&stopping)
        sigaddset(&stopping, SIGTSTP)
        // Not taken by a group that no shell looks after: setpgid(2), orphaned process groups.
        _ = kill(0, SIGTSTP)
        sigprocmask(SIG_UNBLOCK, &stopping, nil)
        sigprocmask(SIG_BLOCK, &stopping, nil)
        var wasStopped = false
        while let signal = nextSignal() { if signal == SIGCONT { wasStopped = true } }
        for terminal in all { terminal.caller?.rest(false) }
        resize()
        take()
        return wasStopped
    }

    /// After the end of the place: brings what is there to the caller without waiting, and gives the terminal back.
    ///
    /// What a slow terminal has not taken by then follows, and is waited for as a caller can interrupt it; `end` is to be called
    /// after it.
    func settle() {
        for terminal in all { terminal.endInput() }
        OutputDelivery(relays.filter { $0.isOutward }).deliverWithoutWaiting()
        if isShowing {
            for terminal in all { terminal.leaveUnanswered() }
        } else {
            end()
        }
    }

    /// Everything is shown that will be.
    func end() {
        for terminal in all { terminal.caller?.awaitAnswers() }
        for terminal in all { terminal.caller?.end() }
    }
}
