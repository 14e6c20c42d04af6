import Glibc
import SandboxPlan

/// A moment of CLOCK_MONOTONIC until which something may take.
struct Deadline {
    private let end: UInt64

    init(milliseconds: UInt64) { end = Deadline.now + milliseconds }

    /// Milliseconds; 0 when it is past.
    var remaining: UInt64 { end > Deadline.now ? end - Deadline.now : 0 }

    var isPast: Bool { remaining == 0 }

    /// Milliseconds since an arbitrary moment (clock_gettime(2)).
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }
}

/// Waiting that a signal ends: they are blocked and looked for, so that what was started is ended and removed as after any failure.
enum SuiteWait {
    private static let ending: [(number: Int32, name: String)] = [
        (SIGINT, "INT"), (SIGTERM, "TERM"), (SIGHUP, "HUP"), (SIGQUIT, "QUIT"),
    ]
    /// How long a signal may go unseen.
    private static let slice: UInt64 = 200

    static func blockSignals() {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in ending { sigaddset(&set, signal.number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    static func checkSignals() throws(SuiteError) {
        var pending = sigset_t()
        guard sigpending(&pending) == 0 else { return }
        for signal in ending where sigismember(&pending, signal.number) == 1 {
            throw SuiteError("the suite was ended by \(signal.name)")
        }
    }

    /// Until the descriptor is ready (poll(2): ready is also what has failed, which the next call tells).
    static func until(_ events: Int32, of descriptor: Int32, _ deadline: Deadline, _ progress: Progress?)
        throws(SuiteError) -> Bool
    {
        while true {
            try checkSignals()
            progress?.tick()
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let left = deadline.remaining
            let result = poll(&entry, 1, Int32(min(left, slice)))
            if result > 0 { return true }
            if result < 0, errno != EINTR { throw SuiteError("poll failed: \(ErrnoName.described(errno))") }
            if left == 0 { return false }
        }
    }

    static func pause(milliseconds: UInt64) throws(SuiteError) {
        let deadline = Deadline(milliseconds: milliseconds)
        repeat {
            try checkSignals()
            _ = poll(nil, 0, Int32(min(deadline.remaining, slice)))
        } while !deadline.isPast
    }
}

/// Tells on standard error that a wait goes on, every five seconds.
final class Progress {
    private let what: String
    private let start = Deadline.now
    private var next: UInt64

    private static let interval: UInt64 = 5000

    init(_ what: String) {
        self.what = what
        next = Deadline.now + Progress.interval
    }

    func tick() {
        let now = Deadline.now
        guard now >= next else { return }
        next = now + Progress.interval
        Output.say("\(what): \((now - start) / 1000) s")
    }
}
