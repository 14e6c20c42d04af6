internal import CShims
internal import Glibc
internal import SandboxKernel

/// A descriptor that a relay reads or writes, and never waits for.
///
/// The flags of an open file description belong to everybody who has it, so a caller's is never made non-blocking: a
/// pipe or terminal is opened again for a description of our own (proc(5), /proc/PID/fd), and a socket needs none.
struct RelayEnd {
    /// What is given to poll(2).
    ///
    /// For the caller's this is the caller's own descriptor: a FIFO that is opened again after its last writer has gone
    /// would never be reported as ended (pipe_poll in the kernel looks at writers since *that* open).
    let watched: Int32
    /// What is read or written.
    let number: Int32
    /// How: one of the CS_STREAM_ constants.
    let manner: Int32
    private let isTerminal: Bool

    /// Our end of a pipe of our own; taken over.
    init(ours number: Int32) {
        watched = number
        self.number = number
        manner = CS_STREAM_OWN
        isTerminal = false
    }

    /// Takes everything, and shows it to nobody.
    init(nowhere number: Int32) {
        self.init(ours: number)
    }

    /// The caller's descriptor; it stays the caller's.
    init(_ stream: CallerStream) {
        self.init(stream, isInput: stream.number == STDIN_FILENO)
    }

    /// The same to be written, whichever of the three it is: a terminal that is only stdin shows what is typed, too.
    init(writing stream: CallerStream) {
        self.init(stream, isInput: false)
    }

    private init(_ stream: CallerStream, isInput: Bool) {
        watched = stream.number
        isTerminal = stream.kind == .terminal && !stream.isTerminalMaster
        switch stream.kind {
        case .socket: (number, manner) = (stream.number, CS_STREAM_SOCKET)
        case .pipe, .terminal:
            let again = RelayEnd.openedAgain(stream, isInput: isInput)
            (number, manner) = again.map { ($0, CS_STREAM_OWN) } ?? (stream.number, CS_STREAM_SHARED)
        case .file, .anonymous, .nullDevice, .characterDevice: (number, manner) = (stream.number, CS_STREAM_OWN)
        }
    }

    /// Whether trying costs nothing but the call; else only after poll(2) named it.
    var canBeTried: Bool { manner != CS_STREAM_SHARED }

    /// Whether reading would stop us: only the foreground of a terminal may read it (credentials(7), SIGTTIN).
    ///
    /// The job may never read a byte of it, so its launcher must not be stopped for what is typed to others.
    var isInBackground: Bool {
        guard isTerminal else { return false }
        let foreground = tcgetpgrp(watched)
        return foreground >= 0 && foreground != getpgrp()
    }

    /// Bytes read, 0 at the end, or -errno.
    func read(into space: UnsafeMutableRawBufferPointer) -> Int {
        cs_stream_read(number, space.baseAddress, space.count, manner)
    }

    /// Bytes written, or -errno.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        cs_stream_write(number, bytes.baseAddress, bytes.count, manner)
    }

    /// Closes what is ours of it.
    func close() {
        if number > STDERR_FILENO { _ = Glibc.close(number) }
    }

    /// Nil where it cannot be: another user's, or without a partner; or where it would give more than the caller has.
    private static func openedAgain(_ stream: CallerStream, isInput: Bool) -> Int32? {
        let isKeyboard = stream.kind == .terminal && stream.number == STDIN_FILENO
        let mayBe = isKeyboard || (isInput ? stream.isReadable : stream.isWritable)
        guard mayBe, !stream.isTerminalMaster else { return nil }
        let flags = UInt64((isInput ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY)
        let opened = cs_openat2(FileReading.currentFolder, "/proc/self/fd/\(stream.number)", flags, 0, 0)
        return opened >= 0 ? Int32(opened) : nil
    }
}
