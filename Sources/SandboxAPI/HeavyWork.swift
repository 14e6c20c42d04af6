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
    /// Archives that are listed, or that clients are still reading: each keeps the names of a whole workspace meanwhile.
    static let mostArchives = 4

    fileprivate struct Counts {
        var waiting = 0
        var next = 0
        var large = 0
        var archives = 0
    }

    private let queues = [
        DispatchQueue(label: "codex-sandbox.heavy.0"), DispatchQueue(label: "codex-sandbox.heavy.1"),
    ]
    fileprivate let counts = Mutex(Counts())

    /// What `body` answers, from one of two threads.
    ///
    /// - Parameter body: may take its time.
    /// - Returns: its answer.
    /// - Throws: 503 where too much is waiting already, or nobody wants the answer any more when its turn comes (the task that
    ///   asks is cancelled; `body` is not called then), and what `body` throws.
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
        let interest = Interest()
        let result: Result<Value, APIError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queues[number % queues.count].async {
                    do throws(APIError) {
                        guard !interest.isLost.load(ordering: .relaxed) else { throw Self.nobodyWaits }
                        continuation.resume(returning: .success(try body()))
                    } catch { continuation.resume(returning: .failure(error)) }
                }
            }
        } onCancel: {
            interest.isLost.store(true, ordering: .relaxed)
        }
        return try result.get()
    }

    /// Whether whoever asked has gone: the queues' threads are of no task, so none of it can be asked there.
    private final class Interest: Sendable {
        let isLost = Atomic(false)
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

    /// A place among the archives, taken before a workspace is listed for one.
    ///
    /// - Returns: what keeps the place until it is let go.
    /// - Throws: 503 where all places are taken.
    func beginArchive() throws(APIError) -> ArchivePlace {
        let isFree = counts.withLock { counts in
            guard counts.archives < Self.mostArchives else { return false }
            counts.archives += 1
            return true
        }
        guard isFree else { throw Self.tooMuch }
        return ArchivePlace(of: self)
    }

    /// Archives that have a place now.
    var archives: Int { counts.withLock { $0.archives } }

    private static var nobodyWaits: APIError {
        APIError(503, "The client has gone", log: "nobody waits for the answer any more")
    }

    private static var tooMuch: APIError {
        APIError(
            503,
            "The server is busy with large answers",
            fields: [("Retry-After", "2")],
            log: "heavy work is full"
        )
    }
}

/// One of the places for archives; given back when nobody holds it any more.
final class ArchivePlace: Sendable {
    private let work: HeavyWork

    fileprivate init(of work: HeavyWork) { self.work = work }

    deinit { work.counts.withLock { $0.archives -= 1 } }
}
