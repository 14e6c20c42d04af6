internal import Glibc

/// A file descriptor with one owner, closed when the owner ends.
///
/// Hand it over with `consuming`, lend it with `borrowing`; a copy is a compile error.
public struct OwnedFileDescriptor: ~Copyable, Sendable {
    /// The number, for the length of a call.
    public let number: Int32

    /// Takes over `number`, which must be open and owned by nobody else.
    public init(owning number: Int32) {
        precondition(number >= 0, "a negative number is no descriptor")
        self.number = number
    }

    deinit {
        // Linux frees the number even when close(2) reports an error, so nothing is retried and nothing is left open.
        _ = close(number)
    }

    /// Gives the number away: the caller closes it from now on.
    public consuming func release() -> Int32 {
        let number = self.number
        discard self
        return number
    }
}
