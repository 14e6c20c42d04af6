internal import CShims
internal import Glibc
internal import SandboxKernel

/// Writing to whoever called us, when signals may be blocked: a reader that takes nothing must not make us one that
/// nothing but KILL ends.
public enum PatientOutput {
    /// What a pipe or socket that is called writable takes without waiting (CShims/streams.c).
    private static let piece = 1024
    private static let pause: UInt32 = 10_000
    /// 5:2, the controlling side of a terminal (pts(4)).
    private static let terminalMaster: dev_t = 5 << 8 | 2

    /// All of it: 0, or the errno of write(2); EINTR when a signal that asks for the end came while nobody read.
    public static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        if bytes.isEmpty { return 0 }
        // Nothing is ever writable that is open for reading only.
        let given = cs_fcntl_getfl(descriptor)
        if given >= 0 && Int32(given) & O_ACCMODE == O_RDONLY { return EBADF }
        // What is no file at all (an eventfd, a timerfd) takes no text, and poll(2) would wait for ever for it to do so.
        var found = stat()
        guard fstat(descriptor, &found) == 0, found.st_mode & S_IFMT != 0 else { return EINVAL }
        let isAlwaysReady = found.st_mode & S_IFMT == S_IFREG
        let own = openedAgain(descriptor)
        let number: Int32
        switch own {
        case .some(let own): number = own.number
        case .none: number = descriptor
        }
        var written = 0
        while written < bytes.count {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let ready = poll(&waiting, 1, 50)
            let failed = errno
            if ready < 0 && failed != EINTR { return failed }
            guard ready > 0 else {
                // No ordinary file either: of those every one is ready (a pidfd of Linux 6.9).
                if ready == 0 && isAlwaysReady { return EINVAL }
                if SignalSource.isEndPending { return EINTR }
                continue
            }
            let size = min(bytes.count - written, piece)
            let count = put(bytes[written..<written + size], to: number)
            let code = errno
            if count < 0 && code == EAGAIN {
                // A terminal with room for one byte is called writable and does not take a newline, which it makes two of.
                if SignalSource.isEndPending { return EINTR }
                usleep(pause)
                continue
            }
            if count < 0 && code != EINTR { return code }
            written += max(count, 0)
        }
        return 0
    }

    /// As much of it as is taken at once: how many bytes; all of them when there is nobody to take any.
    public static func offer(_ bytes: [UInt8], to descriptor: Int32) -> Int {
        var found = stat()
        guard !bytes.isEmpty, fstat(descriptor, &found) == 0 else { return bytes.count }
        let count: Int
        switch found.st_mode & S_IFMT {
        case S_IFSOCK:
            count = bytes.withUnsafeBytes { cs_stream_write(descriptor, $0.baseAddress, $0.count, CS_STREAM_SOCKET) }
        case S_IFIFO, S_IFCHR:
            switch openedAgain(descriptor) {
            case .some(let own): count = put(bytes[...], to: own.number)
            case .none: return 0  // who cannot be asked without waiting is not asked
            }
        default: return write(bytes, to: descriptor) == 0 ? bytes.count : 0
        }
        return max(count, 0)
    }

    /// A pipe or terminal as a description of our own that does not wait; nil where it cannot be, and for the rest.
    ///
    /// Of the caller's poll(2) says that it takes something, not that it takes the piece; and somebody may be quicker.
    private static func openedAgain(_ descriptor: Int32) -> OwnedFileDescriptor? {
        var found = stat()
        guard fstat(descriptor, &found) == 0, [S_IFIFO, S_IFCHR].contains(found.st_mode & S_IFMT) else { return nil }
        let given = cs_fcntl_getfl(descriptor)
        // Not with more rights than the caller has, and never the other end of a terminal, which would be a new one.
        guard given >= 0, Int32(given) & O_ACCMODE != O_RDONLY else { return nil }
        let isTerminal = isatty(descriptor) == 1 && found.st_rdev != terminalMaster
        if found.st_mode & S_IFMT == S_IFCHR && !isTerminal { return nil }
        let flags = UInt64(O_WRONLY | O_NONBLOCK | O_NOCTTY)
        let opened = cs_openat2(FileReading.currentFolder, "/proc/self/fd/\(descriptor)", flags, 0, 0)
        return opened >= 0 ? OwnedFileDescriptor(owning: Int32(opened)) : nil
    }

    private static func put(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Int {
        bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
