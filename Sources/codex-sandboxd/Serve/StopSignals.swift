import Glibc
import Synchronization

/// The signals that end a server in an orderly way, taken by waiting for them: no code runs in a handler.
enum StopSignals {
    private static let all = [SIGTERM, SIGINT]

    /// For the first thread, before there is another.
    static func block() {
        var set = chosen
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // A client that is gone is an error of write(2), not an end of the server.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for one of them; its name.
    static func wait() -> String {
        var set = chosen
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
        return number == SIGINT ? "INT" : "TERM"
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

    private final class UnsafeSendable: @unchecked Sendable {
        let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

        init() { sem_init(pointer, 0, 0) }

        deinit {
            sem_destroy(pointer)
            pointer.deallocate()
        }
    }

    init() { semaphore = UnsafeSendable() }

    func set() { sem_post(semaphore.pointer) }

    func wait() { while sem_wait(semaphore.pointer) != 0 {} }
}
