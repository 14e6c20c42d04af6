internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Answers the calls that a job's filter refuses, with the very error that the filter would have given, and counts them.
///
/// The filter decides: its own program is run again over what it saw. No call is ever let through; whoever holds the
/// listener when nobody answers any more leaves ENOSYS behind (seccomp_unotify(2)).
final class DenialListener {
    let file: OwnedFileDescriptor
    private(set) var denials = Denials()
    /// Nobody carries the filter any more.
    private(set) var isOver = false
    private let filter: SeccompProgram

    /// - Parameters:
    ///   - file: the listener.
    ///   - filter: the program as the policy has it, which refuses by itself.
    init(_ file: consuming OwnedFileDescriptor, filter: SeccompProgram) {
        self.file = file
        self.filter = filter
    }

    /// Whether this kernel can have one; asked before anything is made.
    static func check() throws(Refusal) {
        let fits = cs_listener_check()
        if fits == 0 { return }
        throw Refusal(
            stage: "plan",
            step: "seccomp",
            subject: "--report-denials",
            errno: Int32(-fits),
            message: "this kernel cannot tell the supervisor of refused calls",
            remedy: "leave out --report-denials, or use Linux 5.19 or newer",
            layer: .seccomp
        )
    }

    /// Answers what waits, at most `most` calls, so that a job that does nothing else keeps the supervisor from nothing.
    ///
    /// - Returns: nil, or why no call can be answered any more.
    func answer(most: Int = 64) -> SyscallError? {
        for _ in 0..<most {
            var table = pollfd(fd: file.number, events: Int16(POLLIN), revents: 0)
            let ready = poll(&table, 1, 0)
            if ready < 0 {
                if errno == EINTR { continue }
                return SyscallError(call: "poll", subject: "listener", errno: errno)
            }
            guard table.revents & Int16(POLLIN) != 0 else {
                isOver = table.revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0
                return nil
            }
            var call = cs_call()
            let received = cs_listener_receive(file.number, &call)
            switch received {
            case 0: break
            case Int(-ENOENT), Int(-EINTR): continue
            default: return SyscallError(call: "SECCOMP_IOCTL_NOTIF_RECV", subject: "", errno: Int32(-received))
            }
            let error = refusal(call)
            let sent = cs_listener_refuse(file.number, call.id, error)
            // Gone meanwhile: it was refused all the same.
            guard sent == 0 || sent == Int(-ENOENT) else {
                return SyscallError(call: "SECCOMP_IOCTL_NOTIF_SEND", subject: "", errno: Int32(-sent))
            }
            denials.add(number: call.number, errno: error, argument: DenialListener.argument(call))
        }
        return nil
    }

    /// What was heard so far, which begins anew.
    func takeDenials() -> Denials {
        defer { denials = Denials() }
        return denials
    }

    /// EPERM where the program has no answer: it asked, so it would not have let the call through.
    private func refusal(_ call: cs_call) -> Int32 {
        let arguments = [
            call.arguments.0, call.arguments.1, call.arguments.2, call.arguments.3, call.arguments.4, call.arguments.5,
        ]
        let answer = filter.answer(
            to: SeccompProgram.Call(
                number: call.number,
                architecture: call.architecture,
                instructionPointer: call.instruction_pointer,
                arguments: arguments
            )
        )
        guard let error = answer.flatMap(SeccompProgram.errno), error > 0 else { return EPERM }
        return error
    }

    /// By number on x86_64: socket(2), prctl(2), ioctl(2).
    private static func argument(_ call: cs_call) -> UInt64? {
        switch call.number {
        case 41, 157: call.arguments.0 & 0xFFFF_FFFF
        case 16: call.arguments.1 & 0xFFFF_FFFF
        default: nil
        }
    }
}
