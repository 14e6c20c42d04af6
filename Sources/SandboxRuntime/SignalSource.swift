internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Signals for the job, read from a descriptor (signalfd(2)); what the caller ignores (`nohup`) is ignored here too.
struct SignalSource: ~Copyable {
    /// Passed on to the worker's process group.
    static let forwarded: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]

    /// Those of them that ask for the end.
    static let ending: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    let file: OwnedFileDescriptor

    init() throws(Refusal) {
        // A blocked signal waits even where it is ignored (signal(7)): so those are not asked for.
        let heeded = SignalSource.forwarded.filter { cs_is_ignored($0) != 1 }
        let result = cs_signalfd(heeded, Int32(heeded.count))
        if result < 0 {
            throw Refusal(
                stage: "place",
                step: "signalfd",
                subject: "supervisor",
                errno: Int32(-result),
                message: "signals for the job cannot be received",
                remedy: "raise the limit of open files (ulimit -n)"
            )
        }
        file = OwnedFileDescriptor(owning: Int32(result))
    }

    /// A signal that came while the place was set up: the job is not started for it.
    func early() -> Int32? {
        while let signal = next() {
            if signal != SIGUSR1 && signal != SIGUSR2 { return signal }
        }
        return nil
    }

    /// Whether one that asks for the end waits to be read: nothing should be waited for then.
    static var isEndPending: Bool {
        var pending = sigset_t()
        return sigpending(&pending) == 0
            && ending.contains { sigismember(&pending, $0) == 1 && cs_is_ignored($0) != 1 }
    }

    /// The next signal, if one is there.
    func next() -> Int32? { received()?.number }

    /// The next signal, and whether it is the kernel's: a key of the terminal, or its end (sigaction(2), SI_KERNEL).
    func received() -> (number: Int32, isOfKernel: Bool)? {
        var information = [UInt8](repeating: 0, count: 128)
        let number = file.number
        let result = information.withUnsafeMutableBytes { read(number, $0.baseAddress, $0.count) }
        guard result == 128 else { return nil }
        // signalfd(2): ssi_signo, ssi_errno, ssi_code.
        return information.withUnsafeBytes {
            (Int32($0.load(as: UInt32.self)), $0.load(fromByteOffset: 8, as: Int32.self) == 0x80)
        }
    }
}
