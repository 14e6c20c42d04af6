internal import Dispatch
internal import Synchronization

/// Work that takes as long as a worker has made it: folders of many files, long records.
///
/// It runs beside the transport's threads, a little at a time, so that one project's size is not everybody's wait.
final class HeavyWork: Sendable {
    /// What may wait or run at a time.
    private static let mostWaiting = 256
    /// Answers above `largeAnswer` bytes that clients are still reading.
    private static let mostLarge = 8
    static let largeAnswer = 1 << 20

    private struct Counts {
        var waiting = 0
        var next = 0
        var large = 0
    }

    private let queues = [
        DispatchQueue(label: "codex-sandbox.heavy.0"), DispatchQueue(label: "codex-sandbox.heavy.1"),
    ]
    private let counts = Mutex(Counts())

    /// What `body` answers, from one of two threads.
    ///
    /// - Parameter body: may take its time.
    /// - Returns: its answer.
    /// - Throws: 503 where too much is waiting already, and what `body` throws.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(APIError) -> Value
    ) async throws(APIError) -> Value {
        let number: Int? = counts.withLock { counts in
            guard counts.waiting < Self.mostWaiting else { return nil }
            counts.waiting += 1
            counts.next += 1
            return counts.next
        }
        guard let number else { throw Self.tooMuch }
        defer { counts.withLock { $0.waiting -= 1 } }
        let result: Result<Value, APIError> = await withCheckedContinuation { continuation in
            queues[number % queues.count].async {
                do throws(APIError) {
                    continuation.resume(returning: .success(try body()))
                } catch { continuation.resume(returning: .failure(error)) }
            }
        }
        return try result.get()
    }

    /// Has `body` called on one of the two threads: a further piece of an answer that has begun, of which each has one at a time.
    func begin(_ body: @escaping @Sendable () -> Void) {
        let number = counts.withLock { counts in
            counts.next += 1
            return counts.next
        }
        queues[number % queues.count].async(execute: body)
    }

    /// A place among the large answers; the caller gives it back by `endLarge`.
    func beginLarge() throws(APIError) {
        let isFree = counts.withLock { counts in
            guard counts.large < Self.mostLarge else { return false }
            counts.large += 1
            return true
        }
        if !isFree { throw Self.tooMuch }
    }

    func endLarge() { counts.withLock { $0.large -= 1 } }

    private static var tooMuch: APIError {
        APIError(
            503,
            "The server is busy with large answers",
            fields: [("Retry-After", "2")],
            log: "heavy work is full"
        )
    }
}
