internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The caller's own terminal while a job has the keyboard: its modes are ours then, and given back whatever happens.
///
/// The modes belong to the terminal and not to a process, so a guard stays behind that gives them back even when this
/// process is killed (CShims/terminal.c).
final class CallerTerminal {
    private let number: Int32
    /// A copy: the relay closes its own as soon as nothing more is to be shown.
    private let output: OwnedFileDescriptor
    private let own: cs_terminal_modes
    private var guardian = cs_guard()
    private var isTaken = false
    /// What the job has done to it, read from its output.
    private var state = TerminalState()
    private var undoing: [UInt8] = []

    /// - Parameters:
    ///   - number: descriptor of the terminal.
    ///   - output: where the job's output goes; the same terminal.
    /// - Throws: `Refusal` when its modes cannot be read or no guard can be started.
    init(_ number: Int32, output: Int32) throws(Refusal) {
        self.number = number
        let copy = cs_duplicate(output)
        if copy < 0 { throw Refusal(stream: "stdin", call: "fcntl(F_DUPFD_CLOEXEC)", errno: Int32(-copy)) }
        self.output = OwnedFileDescriptor(owning: Int32(copy))
        var modes = cs_terminal_modes()
        let known = cs_terminal_modes(number, &modes)
        if known < 0 { throw Refusal(stream: "stdin", call: "ioctl(TCGETS2)", errno: Int32(-known)) }
        own = modes
        let begun = cs_guard_begin(&guardian, number, output)
        if begun < 0 { throw Refusal(stream: "stdin", call: "clone (terminal guard)", errno: Int32(-begun)) }
        guardian.page.pointee.modes = own
    }

    deinit {
        end()
    }

    /// The caller's modes.
    var modes: cs_terminal_modes { own }

    /// Whether another process group has the keyboard, as that of a job in the background.
    var isOthers: Bool { cs_terminal_is_ours(number) == 0 }

    /// Takes the keyboard if it is this process group's: from then on every byte goes to the job.
    func take() {
        guard !isTaken, guardian.page != nil, cs_terminal_is_ours(number) == 1 else { return }
        guardian.page.pointee.active = 1
        var raw = cs_terminal_raw(own)
        isTaken = cs_terminal_set_modes(number, &raw) == 0
        if !isTaken { guardian.page.pointee.active = 0 }
    }

    /// Gives it back as it was.
    ///
    /// What was typed and not read is forgotten: it was meant for the job, or is what the terminal answered to it, and a
    /// shell would carry it out.
    func giveBack() {
        guard isTaken else { return }
        isTaken = false
        // Somebody else has set it up already.
        if !isOthers {
            var modes = own
            _ = cs_terminal_set_modes(number, &modes)
            if !undoing.isEmpty { _ = undoing.withUnsafeBytes { write(output.number, $0.baseAddress, $0.count) } }
            _ = cs_terminal_forget_input(number)
        }
        guardian.page?.pointee.active = 0
    }

    /// Takes a look at what is about to be shown.
    func follow(_ bytes: UnsafeRawBufferPointer) {
        let before = state
        state.read(bytes)
        if state == before { return }
        let text = state.undoing
        if text == undoing { return }
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

    /// Gives it back for good.
    func end() {
        giveBack()
        cs_guard_end(&guardian)
    }
}
