internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The caller's own terminal while a job is at it: its modes may be ours then, and are given back whatever happens.
///
/// The modes belong to the terminal and not to a process, so a guard stays behind that gives them back even when this
/// process is killed (CShims/terminal.c). Only what we have set is ever replaced: modes that are others than ours are
/// somebody else's by now.
final class CallerTerminal {
    private let number: Int32
    private let screen: Screen?
    /// Whether every key is the job's while this process group has the terminal.
    let takesKeyboard: Bool
    private var own: cs_terminal_modes
    private var guardian = cs_guard()
    private var isTaken = false
    private var undoing: [UInt8] = []
    private var isOver = false

    /// - Parameters:
    ///   - number: descriptor of the terminal.
    ///   - screen: where the job's output goes, if that is the same terminal.
    ///   - takesKeyboard: whether the job is to get every key.
    /// - Throws: `Refusal` when its modes cannot be read or no guard can be started.
    init(_ number: Int32, screen: Screen?, takesKeyboard: Bool) throws(Refusal) {
        self.number = number
        self.screen = screen
        self.takesKeyboard = takesKeyboard
        own = cs_terminal_modes()
        let known = cs_terminal_modes(number, &own)
        if known < 0 { throw Refusal(stream: "stdin", call: "ioctl(TCGETS2)", errno: Int32(-known)) }
        let begun = startGuard()
        if begun < 0 { throw Refusal(stream: "stdin", call: "clone (terminal guard)", errno: Int32(-begun)) }
        screen?.changed = { [weak self] in self?.tellGuard($0) }
    }

    deinit {
        end()
    }

    /// The caller's modes when they were looked at last.
    var modes: cs_terminal_modes { own }

    /// Whether this process group is the one that the terminal listens to.
    var isOurs: Bool { cs_terminal_is_ours(number) == 1 }

    /// Whether what is typed in it comes to us now, every key of it: taken, by nobody changed since, and in the foreground.
    var hasKeyboard: Bool {
        guard isTaken, isOurs, let page = guardian.page else { return false }
        var (now, ours) = (cs_terminal_modes(), page.pointee.taken)
        return cs_terminal_modes(number, &now) == 0 && cs_terminal_same_modes(&now, &ours) == 1
    }

    /// After a stop that nobody here has known of: what a shell has set since is not ours to give back, and may be taken anew.
    func resume() {
        if isTaken && isOurs && !hasKeyboard { isTaken = false }
    }

    /// Takes the keyboard if it is there to be taken.
    ///
    /// - Returns: whether it was taken just now.
    func take() -> Bool {
        keepGuard()
        guard takesKeyboard, !isTaken, !isOver, guardian.page != nil, isOurs else { return false }
        var now = cs_terminal_modes()
        guard cs_terminal_modes(number, &now) == 0 else { return false }
        var raw = cs_terminal_raw(now)
        // Somebody else has it so already, as another launcher of the same group: then it is his to give back.
        if cs_terminal_same_modes(&now, &raw) == 1 { return false }
        own = now
        guardian.page.pointee.modes = own
        guardian.page.pointee.taken = raw
        guard cs_terminal_set_modes(number, &raw) == 0 else { return false }
        // Of what was asked for a terminal takes what it knows.
        if cs_terminal_modes(number, &now) == 0 { guardian.page.pointee.taken = now }
        isTaken = true
        return true
    }

    /// Gives the modes back as they were, if they are still ours.
    ///
    /// What was typed and not read is forgotten: it was meant for the job, or is what the terminal answered to it, and a
    /// shell would carry it out.
    func giveBack() {
        guard isTaken else { return }
        isTaken = false
        var now = cs_terminal_modes()
        guard let page = guardian.page, isOurs, cs_terminal_modes(number, &now) == 0 else { return }
        var ours = page.pointee.taken
        guard cs_terminal_same_modes(&now, &ours) == 1 else { return }
        var modes = own
        _ = cs_terminal_set_modes(number, &modes)
        _ = cs_terminal_forget_input(number)
    }

    /// While the launcher is stopped, the terminal is the shell's.
    func rest(_ isResting: Bool) {
        guardian.page?.pointee.active = isResting ? 0 : 1
    }

    /// Waits for the terminal's answers to what the job has asked it, so that no shell gets them.
    ///
    /// Answers come in order (ECMA-48, DSR): whatever was asked before has come when this question is answered.
    func awaitAnswers() {
        guard let screen, screen.hasAsked, hasKeyboard else { return }
        // The job's own questions of this kind are answered alike, and before. Where it is not known how many a terminal saw, none is
        // known to be the last.
        var missing = screen.statusQuestions.map { $0 + 1 } ?? .max
        screen.ask()
        let end = cs_monotonic() + CallerTerminal.patience
        var last: [UInt8] = []
        // The first one may have a long way, to another continent and back.
        var pause = CallerTerminal.firstPause
        while true {
            // From the last byte that came: a terminal with much to answer takes its time.
            let left = min(pause, end - cs_monotonic()) / 1_000_000
            var waiting = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&waiting, 1, Int32(left)) > 0, waiting.revents & Int16(POLLIN) != 0 else { return }
            let piece = [UInt8](unsafeUninitializedCapacity: 4096) { space, count in
                count = max(0, cs_stream_read(number, space.baseAddress, 4096, CS_STREAM_SHARED))
            }
            if piece.isEmpty { return }
            pause = CallerTerminal.pause
            let text = last + piece
            missing -= CallerTerminal.answers(in: text)
            if missing <= 0 { return }
            // Shorter than an answer: none is counted twice.
            last = Array(text.suffix(CallerTerminal.answer.count - 1))
        }
    }

    /// Nanoseconds without a byte after which no answer is expected any more, before the first one and behind it, and for which
    /// answers are awaited at most.
    private static let firstPause: Int64 = 2_000_000_000
    private static let pause: Int64 = 300_000_000
    private static let patience: Int64 = 5_000_000_000
    private static let answer = Array("\u{1B}[0n".utf8)

    private static func answers(in bytes: [UInt8]) -> Int {
        guard bytes.count >= answer.count else { return 0 }
        return (0...bytes.count - answer.count).count { Array(bytes[$0..<$0 + answer.count]) == answer }
    }

    /// Undoes what the job has done to it, and gives it back for good.
    func end() {
        if isOver { return }
        isOver = true
        screen?.undo()
        giveBack()
        cs_guard_end(&guardian)
    }

    // MARK: -

    private func startGuard() -> Int {
        let begun = cs_guard_begin(&guardian, number, screen?.guarded ?? -1)
        if begun == 0 {
            guardian.page.pointee.modes = own
            guardian.page.pointee.active = 1
            tellGuard(undoing)
        }
        return begun
    }

    /// A guard that somebody has killed is replaced.
    private func keepGuard() {
        guard !isOver, guardian.page != nil, cs_guard_lives(&guardian) == 0 else { return }
        let taken = isTaken
        guard startGuard() == 0, taken else { return }
        var now = cs_terminal_modes()
        if cs_terminal_modes(number, &now) == 0 { guardian.page.pointee.taken = now }
    }

    private func tellGuard(_ text: [UInt8]) {
        undoing = text
        guard let page = guardian.page else { return }
        // Into the text that does not hold: this process may be killed in between.
        let next = 1 - (page.pointee.chosen & 1)
        let count = min(text.count, Int(CS_GUARD_TEXT))
        withUnsafeMutableBytes(of: &page.pointee.text) { space in
            let start = Int(next) * Int(CS_GUARD_TEXT)
            for index in 0..<count { space[start + index] = text[index] }
        }
        if next == 0 { page.pointee.length.0 = UInt32(count) } else { page.pointee.length.1 = UInt32(count) }
        page.pointee.chosen = next
    }
}
