import Glibc
import Synchronization

/// A descriptor of a regular file, closed once: by the transport when it has been sent, else with this value.
public final class HTTPFile: Sendable {
    /// In bytes, at the time the file was taken over.
    public let size: UInt64
    private let descriptor: Mutex<Int32?>

    /// Takes over a descriptor, also when it throws.
    ///
    /// - Parameter owned: open for reading, of a regular file: others could block a server's thread, or have no length.
    /// - Throws: if it is of anything else; it is closed then.
    public init(owned: Int32) throws(HTTPFileError) {
        var status = stat()
        guard fstat(owned, &status) == 0 else {
            let reason = errno
            close(owned)
            throw HTTPFileError(why: "fstat(2) answers error \(reason)")
        }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size >= 0 else {
            close(owned)
            throw HTTPFileError(why: "it is not a regular file")
        }
        size = UInt64(status.st_size)
        descriptor = Mutex(owned)
    }

    deinit {
        if let owned = descriptor.withLock({ $0 }) { close(owned) }
    }

    /// Hands the descriptor over; nil if that has been done.
    func release() -> Int32? { descriptor.withLock { $0.take() } }
}

/// A descriptor that cannot be sent as a file.
public struct HTTPFileError: Error, Hashable, Sendable, CustomStringConvertible {
    public var why: String

    public var description: String { "the descriptor cannot be sent: \(why); open a regular file for reading" }
}
