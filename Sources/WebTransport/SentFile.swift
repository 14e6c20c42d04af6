import Glibc

/// A file that is being sent, held to see whether it still has what was promised.
///
/// libmicrohttpd takes the end of a file that was cut meanwhile for a socket that is full, and would wait for ever.
final class SentFile: Sendable {
    private let descriptor: Int32
    private let end: UInt64

    /// Nil where there is no descriptor for it.
    ///
    /// - Parameters:
    ///   - number: of the file, which stays its owner's.
    ///   - end: where the part that is sent ends, in bytes.
    init?(_ number: Int32, end: UInt64) {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return nil }
        descriptor = copy
        self.end = end
    }

    deinit { close(descriptor) }

    /// Whether it has become shorter than what is sent of it.
    var isCut: Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && UInt64(max(status.st_size, 0)) < end
    }
}
