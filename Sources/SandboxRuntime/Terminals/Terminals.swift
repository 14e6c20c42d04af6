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
            all.append(try PlaceTerminal(controlling: rest.removeFirst(), streams: group.map { streams[$0] }))
        }
        self.all = all
        for terminal in all { try terminal.connect() }
    }

    /// Signals that must stay blocked while the job runs, so that they are read here.
    var blocked: [Int32] { Terminals.heeded }

    /// Whether the cursor is left behind something.
    var isMidLine: Bool { relays.contains { $0.isOutward && !$0.isAtLineStart } }

    var relays: [Relay] { all.flatMap { $0.relays } }

    /// Takes the keyboard, if it is there to be taken.
    func take() {
        for terminal in all { terminal.caller?.take() }
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

    /// The job has stopped: so does this process group, as the keyboard would have made it (termios(3), VSUSP).
    ///
    /// - Returns: whether it stopped, and goes on now; false where nobody is there to wake it, or it must not stop.
    func stop() -> Bool {
        guard all.contains(where: { $0.caller != nil }), cs_is_ignored(SIGTSTP) != 1 else { return false }
        for terminal in all { terminal.caller?.giveBack() }
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
        resize()
        take()
        return wasStopped
    }

    /// After the end of the place: brings what is there to the caller without waiting, and gives the keyboard back.
    func settle() {
        for terminal in all { terminal.endInput() }
        OutputDelivery(relays.filter { $0.isOutward }).deliverWithoutWaiting()
        for terminal in all { terminal.caller?.end() }
    }
}
