internal import CShims
internal import Glibc

/// How long a removal may take.
///
/// It also ends when somebody wants the launcher to: no wait is one that TERM does not end.
struct RemovalTime {
    private let end: Int64
    private var looks = 0
    private(set) var isOver = false

    /// - Parameter nanoseconds: from now.
    init(_ nanoseconds: Int64) { end = cs_monotonic() &+ nanoseconds }

    /// To be asked before each thing that is removed.
    ///
    /// Signals cost a call: each 64th time.
    mutating func isUp() -> Bool {
        if isOver { return true }
        isOver = cs_monotonic() > end || (looks & 63 == 0 && RemovalTime.somebodyWaits())
        looks &+= 1
        return isOver
    }

    /// The launcher blocks these four, and takes them when it waits: one that has come stands in its set (sigpending(2)).
    private static func somebodyWaits() -> Bool {
        var pending = sigset_t()
        guard sigpending(&pending) == 0 else { return true }
        return [SIGTERM, SIGINT, SIGHUP, SIGQUIT].contains { sigismember(&pending, $0) == 1 }
    }
}
