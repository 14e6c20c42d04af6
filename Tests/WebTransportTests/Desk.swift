import Foundation
import Glibc
import Synchronization
import Testing
import WebTransport

/// A handler made of closures, and a server for it at a port of its own.
final class Desk: HTTPHandler {
    private let accepts: @Sendable (HTTPRequestHead) -> HTTPAcceptance
    private let answers: @Sendable (HTTPRequest, (any HTTPBodySink)?) -> HTTPAnswer
    /// What came to `accept`, in order.
    let heads = Mutex<[HTTPRequestHead]>([])
    /// For whom `refusal` was asked, in order.
    let refused = Mutex<[HTTPPeer?]>([])

    init(
        accepts: @escaping @Sendable (HTTPRequestHead) -> HTTPAcceptance = { _ in .body(limit: 1_000) },
        answers: @escaping @Sendable (HTTPRequest, (any HTTPBodySink)?) -> HTTPAnswer
    ) {
        self.accepts = accepts
        self.answers = answers
    }

    func accept(_ head: HTTPRequestHead) -> HTTPAcceptance {
        heads.withLock { $0.append(head) }
        return accepts(head)
    }

    func answer(_ request: HTTPRequest, sink: (any HTTPBodySink)?) -> HTTPAnswer { answers(request, sink) }

    func refusal(_ status: Int, reason: String, head: HTTPRequestHead?, peer: HTTPPeer?) -> HTTPResponse {
        refused.withLock { $0.append(peer) }
        return HTTPResponse(
            status: status,
            headers: ["X-Refused": "yes"],
            body: .bytes(Array("refused: \(reason)".utf8))
        )
    }

    /// Answers the path, the query, and the body.
    static func echo(_ request: HTTPRequest) -> HTTPResponse {
        let head = request.head
        let query = head.query.map { String(decoding: $0, as: UTF8.self) } ?? "-"
        let text = "\(head.method) \(String(decoding: head.path, as: UTF8.self)) \(query) \(request.body.count)"
        return HTTPResponse(status: 200, body: .bytes(Array(text.utf8)))
    }

    static let echoing = Desk { request, _ in .now(echo(request)) }

    static func saying(_ response: @escaping @Sendable () -> HTTPResponse) -> Desk { Desk { _, _ in .now(response()) } }
}

/// A number that threads share.
final class Count: Sendable {
    private let number = Atomic<Int>(0)

    var value: Int { number.load(ordering: .sequentiallyConsistent) }
    func set(_ value: Int) { number.store(value, ordering: .sequentiallyConsistent) }
    func add(_ value: Int) { number.add(value, ordering: .sequentiallyConsistent) }
}

/// A yes or no that threads share.
final class Flag: Sendable {
    private let flag = Atomic<Bool>(false)

    var value: Bool { flag.load(ordering: .sequentiallyConsistent) }
    func set(_ value: Bool) { flag.store(value, ordering: .sequentiallyConsistent) }
    /// Sets it; whether it was not set before.
    func first() -> Bool { !flag.exchange(true, ordering: .sequentiallyConsistent) }
}

/// Gives what blocks a thread of its own: the few of the runtime are for the server's tasks.
final class Threads: TaskExecutor {
    static let shared = Threads()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Thread.detachNewThread { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// All tests of the transport, one after another: they count this process's descriptors, memory and time.
@Suite(.serialized) struct TransportTests {}

/// Lends a server, and stops it behind the body.
func withServer<Result: Sendable>(
    _ desk: Desk,
    _ change: (inout HTTPServerSettings) -> Void = { _ in },
    body: @Sendable (UInt16, HTTPServer) async throws -> Result
) async throws -> Result {
    var settings = HTTPServerSettings()
    change(&settings)
    let listener = try HTTPListener(try HTTPListenAddress("127.0.0.1:0"))
    let port = try #require(listener.port)
    let server = try HTTPServer(listener: listener, settings: settings, handler: desk)
    do {
        let result = try await withTaskExecutorPreference(Threads.shared) { try await body(port, server) }
        await server.stop(within: 0.1)
        return result
    } catch {
        await server.stop(within: 0)
        throw error
    }
}

func request(_ line: String, _ fields: String...) -> String {
    "\(line) HTTP/1.1\r\nHost: a\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
}

/// Seconds that a call took.
func seconds(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    try body()
    return (clock.now - start) / .seconds(1)
}

/// Waits until it is so, at most for so long: a machine that stands still is not counted.
func eventually(within limit: Double = 30, _ isSo: () -> Bool) async throws -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(limit)
    var looks = 0
    while !isSo() {
        looks += 1
        // One each 5 ms: a quarter of the time awake at least.
        guard clock.now < end || looks < Int(limit * 50) else { return false }
        try await Task.sleep(for: .milliseconds(5))
    }
    return true
}

/// Descriptors of this process.
func descriptorCount() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count - 3
}

/// Resident bytes of this process (proc(5), statm).
func residentBytes() -> Int {
    let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    var text = [UInt8](repeating: 0, count: 128)
    let count = read(descriptor, &text, text.count)
    let words = String(decoding: text[..<max(count, 0)], as: UTF8.self).split(separator: " ")
    return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * 4_096
}

/// As many descriptors as the kernel lets this process have.
func raiseDescriptorLimit() {
    var limit = rlimit()
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    getrlimit(kind, &limit)
    // Root may have more than it was given.
    var wanted = rlimit(rlim_cur: 65_536, rlim_max: max(limit.rlim_max, 65_536))
    if setrlimit(kind, &wanted) == 0 { return }
    limit.rlim_cur = min(limit.rlim_max, 65_536)
    setrlimit(kind, &limit)
}
