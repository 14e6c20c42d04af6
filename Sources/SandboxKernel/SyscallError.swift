internal import Glibc

/// A system call that failed: what was called, on what, and errno.
public struct SyscallError: Error, Hashable, Sendable {
    /// Name of the call: `openat2`.
    public var call: String
    /// What it acted on: a path, `fd 0`, a process.
    public var subject: String
    /// errno(3).
    public var errno: Int32

    public init(call: String, subject: String, errno: Int32) {
        self.call = call
        self.subject = subject
        self.errno = errno
    }
}

/// The value of a call that reports failure as -1 and errno; EINTR is retried.
///
/// errno is read on the line after the call: any Swift call in between may change it. Not for `close` (never retried,
/// close(2)) and not for calls whose EINTR means something.
@discardableResult
func checked(_ call: String, on subject: @autoclosure () -> String = "", _ body: () -> Int32) throws(SyscallError)
    -> Int32
{
    while true {
        let result = body()
        let code = errno
        if result != -1 { return result }
        if code != EINTR { throw SyscallError(call: call, subject: subject(), errno: code) }
    }
}

/// The value of a shim that answers like the kernel itself: -errno.
@discardableResult
func checkedKernel(_ call: String, on subject: @autoclosure () -> String = "", _ body: () -> Int) throws(SyscallError)
    -> Int
{
    while true {
        let result = body()
        if result >= 0 { return result }
        if result != Int(-EINTR) { throw SyscallError(call: call, subject: subject(), errno: Int32(-result)) }
    }
}
