import Glibc

/// A thread that nobody waits for.
enum OwnThread {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// - Throws: `ServeError` that says what for, where there is none to be had.
    static func start(_ what: String, _ body: @escaping @Sendable () -> Void) throws(ServeError) {
        let held = Unmanaged.passRetained(Work(body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread,
            nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body()
                return nil
            },
            held.toOpaque()
        )
        guard code == 0 else {
            held.release()
            throw ServeError("there is no thread \(what): raise the limit of tasks")
        }
        pthread_detach(thread)
    }
}
