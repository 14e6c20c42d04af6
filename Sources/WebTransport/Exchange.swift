import CMicrohttpd
import Glibc
import Synchronization

/// One request and its answer, from the request line to libmicrohttpd's note that it is over.
///
/// Its unprotected parts are used by the connection's thread only; what a task or the watch touches lies in `later`.
final class Exchange: @unchecked Sendable {
    enum Step {
        case head
        case body(limit: Int)
        case sink(any HTTPBodySink, limit: UInt64)
        /// The answer is there already, and goes out once the (empty) body has been read.
        case ready(HTTPResponse)
        case waiting
        case answered
    }

    private struct Later {
        var task: Task<Void, Never>?
        var response: HTTPResponse?
        var isSuspended = false
        /// No response is wanted any more.
        var isOver = false
    }

    let server: ServerCore
    let connection: Connection
    /// libmicrohttpd's connection; alive until `over()`.
    let handle: OpaquePointer
    let target: [UInt8]
    let targetAddress: UInt
    /// libmicrohttpd's, of this connection and others.
    private let thread = pthread_self()
    private let hasBegun = Atomic<Bool>(false)
    var head: HTTPRequestHead?
    var step = Step.head
    /// Whether more of the request may come than was read: then the socket is drained for a moment before it is closed,
    /// because closing with unread bytes takes the answer from the client (RFC 9112, 9.6).
    var lingers = false
    /// Whether the connection must not be used again.
    var isLast = false
    private var body: [UInt8] = []
    private var received: UInt64 = 0
    private let later = Mutex(Later())

    init(server: ServerCore, connection: Connection, handle: OpaquePointer, target: [UInt8], targetAddress: UInt) {
        self.server = server
        self.connection = connection
        self.handle = handle
        self.target = target
        self.targetAddress = targetAddress
    }

    // MARK: - Before the body

    /// The first call: the head is there.
    func begin(method: UnsafePointer<CChar>, version: UnsafePointer<CChar>) -> Bool {
        hasBegun.store(true, ordering: .relaxed)
        let framing: BodyFraming
        do throws(HeadFault) {
            framing = try readHead(method: method, version: version)
        } catch {
            // Directly: of some faults libmicrohttpd 0.9.75 has queued an answer of its own by now, and would send both.
            return cut(server.refusal(error.status, error.reason, head, for: connection.peer))
        }
        guard let head else { return false }
        guard !server.isRefusing else { return refuseEarly(503, "the server is stopping") }
        let acceptance = server.handler.accept(head)
        let hasBody: Bool
        switch framing {
        case .none: hasBody = false
        case .length: hasBody = true
        }
        switch acceptance {
        case .answer(let response):
            guard hasBody else {
                step = .ready(response)
                return true
            }
            lingers = true
            isLast = true
            return answer(response)
        case .body(let limit):
            step = .body(limit: limit)
            if case .length(let length) = framing {
                guard length <= UInt64(max(limit, 0)) else {
                    return refuseEarly(413, "the body has more than \(limit) bytes")
                }
                body.reserveCapacity(Int(min(length, 1 << 20)))
            }
        case .sink(let sink, let limit):
            step = .sink(sink, limit: limit)
            if case .length(let length) = framing, length > limit {
                return refuseEarly(413, "the body has more than \(limit) bytes")
            }
        }
        if hasBody { connection.enter(.body, until: MonotonicTime.after(server.settings.bodySeconds)) }
        return true
    }

    /// Whether the calling thread is the connection's, and has the whole head, but `begin` has not been called.
    var isUnseen: Bool {
        pthread_equal(thread, pthread_self()) != 0 && !hasBegun.load(ordering: .relaxed) && wt_head_bytes(handle) > 0
    }

    /// Refuses in libmicrohttpd's place a Content-Length that it takes for none.
    func refuseLength() {
        hasBegun.store(true, ordering: .relaxed)
        var isNumber = false
        if let value = MHD_lookup_connection_value(handle, .HEADER_KIND, "Content-Length") {
            let text = String(cString: value).utf8
            isNumber = !text.isEmpty && text.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        }
        let fault = isNumber ? BodyFraming.tooLong : BodyFraming.noLength
        _ = cut(server.refusal(fault.status, fault.reason, nil, for: connection.peer))
    }

    private func readHead(
        method: UnsafePointer<CChar>,
        version: UnsafePointer<CChar>
    ) throws(HeadFault) -> BodyFraming {
        let name = String(cString: method)
        var scan = try HeadScan(
            method: method,
            methodBytes: name.utf8.count,
            target: (targetAddress, target.count),
            version: version,
            bytes: wt_head_bytes(handle)
        )
        guard name.utf8.allSatisfy(HTTPHeaders.isToken) else {
            throw HeadFault(400, "the method has bytes that no method has (RFC 9110, 9.1)")
        }
        let parts = try RequestTarget(target, method: name)
        try scan.read(handle)
        let isOld = version[7] == CChar(bitPattern: UInt8(ascii: "0"))
        guard scan.hosts.count == 1 || isOld && scan.hosts.isEmpty else {
            throw HeadFault(400, "there must be one Host field (RFC 9112, 3.2)")
        }
        if let authority = parts.authority {
            guard let host = scan.hosts.first, HTTPHeaders.isSame(host, String(decoding: authority, as: UTF8.self))
            else {
                throw HeadFault(400, "the request target and the Host field name two hosts (RFC 9112, 3.2.2)")
            }
        }
        let framing = try BodyFraming(scan, isOld: isOld)
        var length: UInt64?
        if case .length(let known) = framing { length = known } else if !scan.lengths.isEmpty { length = 0 }
        head = HTTPRequestHead(
            method: name,
            path: parts.path,
            query: parts.query,
            headers: scan.headers,
            peer: connection.peer,
            contentLength: length
        )
        return framing
    }

    // MARK: - The body

    /// Takes a piece; false closes the connection.
    func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        received += UInt64(bytes.count)
        let slowest = Double(max(server.settings.bodyBytesPerSecond, 1))
        connection.received(UInt64(Double(bytes.count) * 1e9 / slowest))
        switch step {
        case .body(let limit):
            guard received <= UInt64(max(limit, 0)) else {
                return cut(server.refusal(413, "the body has more than \(limit) bytes", head, for: connection.peer))
            }
            body.append(contentsOf: bytes)
            return true
        case .sink(let sink, let limit):
            guard received <= limit else {
                return cut(server.refusal(413, "the body has more than \(limit) bytes", head, for: connection.peer))
            }
            guard let response = sink.take(bytes) else { return true }
            return cut(response)
        case .head, .ready, .waiting, .answered:
            return false
        }
    }

    /// Answers where libmicrohttpd takes no response, as amid a body: written directly, and the connection closed.
    private func cut(_ response: HTTPResponse) -> Bool {
        lingers = true
        connection.writeLast(server.raw(response, head))
        return false
    }

    // MARK: - The answer

    /// The calls behind the body: the first one asks the handler, one after a suspension has its response.
    func finish() -> Bool {
        switch step {
        case .ready(let response): return answer(response)
        case .answered: return true
        case .head: return false
        case .waiting:
            let response = later.withLock { later in
                later.task = nil
                return later.response.take()
            }
            guard let response else { return false }
            return answer(response)
        case .body: return ask(sink: nil)
        case .sink(let sink, _):
            // From here on it is complete, and not abandoned.
            step = .waiting
            return ask(sink: sink)
        }
    }

    private func ask(sink: (any HTTPBodySink)?) -> Bool {
        guard let head else { return false }
        let request = HTTPRequest(head: head, body: body)
        body = []
        connection.enter(.running, until: MonotonicTime.never)
        switch server.handler.answer(request, sink: sink) {
        case .now(let response): return answer(response)
        case .later(let closure):
            step = .waiting
            return suspend(closure)
        }
    }

    private func suspend(_ closure: @escaping @Sendable () async -> HTTPResponse) -> Bool {
        let goesOn = later.withLock { later in
            guard !server.isClosing, !later.isOver else { return false }
            later.isSuspended = true
            MHD_suspend_connection(handle)
            return true
        }
        guard goesOn else { return false }
        let deadline = server.settings.laterSeconds.map(MonotonicTime.after)
        connection.enter(.running, until: deadline ?? MonotonicTime.never)
        let task = Task { self.complete(await closure()) }
        let isOver = later.withLock { later in
            guard later.isSuspended else { return true }
            later.task = task
            return false
        }
        if isOver { task.cancel() }
        return true
    }

    /// Gives the waiting connection its response; the first one counts.
    func complete(_ response: HTTPResponse?) {
        let isTaken = later.withLock { later in
            guard later.isSuspended else { return false }
            later.isSuspended = false
            later.response = response
            MHD_resume_connection(handle)
            return true
        }
        if !isTaken { response?.body.discard() }
    }

    /// Gives it a response in the task's place, and then cancels the task: the other way round its own would come first.
    func expire(_ response: HTTPResponse?) {
        let task = later.withLock { $0.task.take() }
        complete(response)
        task?.cancel()
    }

    func cancel() { later.withLock { $0.task }?.cancel() }

    // MARK: - The end

    /// libmicrohttpd is done with the request, whatever became of it.
    func over() {
        let (task, unsent) = later.withLock { later in
            later.isOver = true
            later.isSuspended = false
            return (later.task.take(), later.response.take())
        }
        task?.cancel()
        unsent?.body.discard()
        if case .ready(let response) = step { response.body.discard() }
        if case .sink(let sink, _) = step { sink.abandon() }
        if lingers { server.linger(connection) }
        connection.ends(idleSeconds: server.settings.idleSeconds)
    }

    private func refuseEarly(_ status: Int, _ reason: String) -> Bool {
        // A body that was announced may still come.
        lingers = true
        isLast = true
        let response = server.refusal(status, reason, head, for: connection.peer)
        if case .sink(let sink, _) = step {
            step = .head
            sink.abandon()
        }
        return answer(response)
    }
}
