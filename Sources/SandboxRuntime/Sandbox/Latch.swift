internal import Glibc

/// A value that comes once, and can be waited for or asked to be told: pthread_mutex_init(3), pthread_cond_init(3).
final class Latch<Value: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value?
    private var waiting: [@Sendable (Value) -> Void] = []

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// The first one stands.
    func set(_ new: Value) {
        pthread_mutex_lock(mutex)
        let isFirst = value == nil
        if isFirst { value = new }
        let bodies = isFirst ? waiting : []
        waiting = []
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
        for body in bodies { body(new) }
    }

    func wait() -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let value { return value }
            pthread_cond_wait(condition, mutex)
        }
    }

    func whenSet(_ body: @escaping @Sendable (Value) -> Void) {
        pthread_mutex_lock(mutex)
        let now = value
        if now == nil { waiting.append(body) }
        pthread_mutex_unlock(mutex)
        if let now { body(now) }
    }
}
