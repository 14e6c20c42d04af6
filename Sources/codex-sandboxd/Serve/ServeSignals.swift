import Glibc
import Synchronization

/// The signals that a server obeys, taken by waiting for them: no code runs in a handler.
enum ServeSignals {
    enum Order: Hashable {
        /// With the signal's name.
        case stop(String)
        case reload
    }

    private static let all = [SIGTERM, SIGINT, SIGHUP]

    /// For the first thread, before there is another.
    static func block() {
        var set = chosen
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // A client that is gone is an error of write(2), not an end of the server.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for one of them.
    static func wait() -> Order {
        while true {
            if let order = wait(milliseconds: 3_600_000) { return order }
        }
    }

    /// Waits for one of them, so long at the most.
    static func wait(milliseconds: Int) -> Order? {
        var set = chosen
        var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        switch sigtimedwait(&set, nil, &time) {
        case SIGINT: return .stop("INT")
        case SIGTERM: return .stop("TERM")
        case SIGHUP: return .reload
        case _: return nil
        }
    }

    private static var chosen: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in all { sigaddset(&set, number) }
        return set
    }
}

/// Set once by one thread, waited for by another.
final class Done: Sendable {
    private let semaphore: UnsafeSendable
    private let done = Atomic<Bool>(false)

    var isSet: Bool { done.load(ordering: .acquiring) }

    private final class UnsafeSendable: @unchecked Sendable {
        let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

        init() { sem_init(pointer, 0, 0) }

        deinit {
            sem_destroy(pointer)
            pointer.deallocate()
        }
    }

    init() { semaphore = UnsafeSendable() }

    func set() {
        done.store(true, ordering: .releasing)
        sem_post(semaphore.pointer)
    }

    func wait() { while sem_wait(semaphore.pointer) != 0 {} }
}
