internal import Glibc

/// Writing to whoever called us, when signals may be blocked: a reader that takes nothing must not make us one that
/// nothing but KILL ends.
public enum PatientOutput {
    /// What a pipe or terminal that is called writable takes without waiting, nearly always (CShims/streams.c).
    private static let piece = 1024

    /// All of it: 0, or the errno of write(2); EINTR when a signal that asks for the end came while nobody read.
    public static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var written = 0
        while written < bytes.count {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let ready = poll(&waiting, 1, 50)
            let failed = errno
            if ready < 0 && failed != EINTR { return failed }
            guard ready > 0 else {
                if SignalSource.isEndPending { return EINTR }
                continue
            }
            let size = min(bytes.count - written, piece)
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), size)
            }
            let code = errno
            if count < 0 && code != EINTR && code != EAGAIN { return code }
            written += max(count, 0)
        }
        return 0
    }
}
