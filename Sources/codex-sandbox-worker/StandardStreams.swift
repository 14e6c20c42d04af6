import Glibc

/// The two streams to the caller; either may be closed.
///
/// Whether they are open is asked once, before any file is opened: on a closed number the next file would come to lie, and
/// progress lines would go into it.
struct StandardStreams {
    private let hasOutput = fcntl(1, F_GETFD) != -1
    private let hasErrors = fcntl(2, F_GETFD) != -1

    func say(_ line: String) {
        if hasOutput { StandardStreams.write(line, to: 1) }
    }

    func complain(_ line: String) {
        if hasErrors { StandardStreams.write(line, to: 2) }
    }

    /// Progress is a courtesy: where it cannot be written, the work goes on.
    private static func write(_ line: String, to descriptor: Int32) {
        var bytes = Array(line.utf8)[...]
        bytes.append(0x0A)
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            let code = errno
            if count == -1 && code == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
