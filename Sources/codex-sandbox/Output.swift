internal import Glibc
internal import SandboxCLI
internal import SandboxPlan
internal import SandboxRuntime

/// What this program itself prints: answers on stdout, everything else on stderr.
enum Output {
    /// Writes an answer; the status is 125 when it could not be written, so that nobody takes a part for the whole.
    static func show(_ text: String, status: Int32) -> Int32 {
        let code = write(text, to: STDOUT_FILENO)
        guard code != 0 else { return status }
        say(OwnWords.lines(["The answer cannot be written to stdout: \(ErrnoName.described(code))."]))
        return ExitStatus.refused
    }

    /// Writes lines that carry our prefix already; if even stderr fails there is nobody left to tell.
    static func say(_ text: String) {
        _ = write(text, to: STDERR_FILENO)
    }

    /// Whether stderr takes a few lines without waiting for its reader.
    static var canBeHeard: Bool {
        var waiting = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        return poll(&waiting, 1, 0) == 1
    }

    /// As much of this as stderr takes without waiting: what is left, in bytes, since a terminal may take half a character.
    static func offer(_ text: String) -> ArraySlice<UInt8> {
        let bytes = Array(text.utf8)
        return bytes[PatientOutput.offer(bytes, to: STDERR_FILENO)...]
    }

    /// What is left of something that was offered.
    static func say(_ rest: ArraySlice<UInt8>) {
        _ = PatientOutput.write(Array(rest), to: STDERR_FILENO)
    }

    /// The style for stdout.
    static var style: Style {
        Style(isTerminal: isatty(STDOUT_FILENO) == 1, environment: CallerStrings.environment)
    }

    /// 0, or the errno of write(2).
    private static func write(_ text: String, to descriptor: Int32) -> Int32 {
        PatientOutput.write(Array(text.utf8), to: descriptor)
    }
}
