/// What answers requests; called from the server's threads, and never twice at once for one connection.
///
/// A call holds a thread that many connections wait for: what lasts goes into `HTTPAnswer.later`.
public protocol HTTPHandler: Sendable {
    /// Looks at a request before anything of its body is read, and before any `100 Continue`; whatever the method: also a
    /// GET, HEAD or OPTIONS may announce a body.
    func accept(_ head: HTTPRequestHead) -> HTTPAcceptance

    /// Answers a request whose body is there. `sink` is the one that `accept` named, complete.
    func answer(_ request: HTTPRequest, sink: (any HTTPBodySink)?) -> HTTPAnswer

    /// The answer to what never becomes a request: a fault of the transport, in the words of the API.
    ///
    /// Statuses: 400 malformed, 408 too slow, 411 a chunked body, 413 body over the limit, 500 a response that cannot be
    /// sent, 501 unknown transfer coding, 503 stopping or too late. The connection is closed behind it. Its body must be bytes. What
    /// libmicrohttpd finds itself comes here where it is known to which connection it says so: no HTTP version or an unknown one
    /// (400, 505), a header line without a colon (400), a head over `headBytes` (414, 431). Where other connections of the same
    /// thread are between requests, send one or have just been shut, it answers itself, with a short HTML text, and what comes of
    /// this call, with neither head nor peer, is not sent. A line that is no request line at all closes the connection.
    ///
    /// - Parameters:
    ///   - status: to be answered.
    ///   - reason: what was wrong, for a person.
    ///   - head: nil where it could not be read.
    ///   - peer: whom it is for; nil where that is not known.
    /// - Returns: what is sent, where that is.
    func refusal(_ status: Int, reason: String, head: HTTPRequestHead?, peer: HTTPPeer?) -> HTTPResponse
}

/// What is to be done with a request's body.
public enum HTTPAcceptance: Sendable {
    /// The body goes into memory; above `limit` bytes, or with a longer Content-Length, the answer is 413.
    case body(limit: Int)
    /// The body goes here, piece by piece; above `limit` bytes, or with a longer Content-Length, the answer is 413.
    case sink(any HTTPBodySink, limit: UInt64)
    /// Nothing of the body is wanted; if one is announced, nothing of it is read, and the connection is closed behind the
    /// answer. What still comes is thrown away for a second at most, so that the answer is not lost in a reset.
    case answer(HTTPResponse)
}

/// Takes a request's body piece by piece; called from the server's threads, one call at a time.
public protocol HTTPBodySink: AnyObject, Sendable {
    /// Nil to go on; an answer ends the request and the connection, and `abandon` follows. Its body must be bytes.
    func take(_ bytes: UnsafeRawBufferPointer) -> HTTPResponse?
    /// The request ended before its body did; called once, and not after the body's end.
    func abandon()
}

/// A response, or the promise of one.
public enum HTTPAnswer: Sendable {
    case now(HTTPResponse)
    /// The connection waits without a thread while the closure runs in a task of its own.
    ///
    /// The task is cancelled when the client has gone or sends no more (looked at each quarter of a second; one that has
    /// only ended its own side still gets the answer), after `HTTPServerSettings.laterSeconds`, and at the deadline of a stop.
    case later(@Sendable () async -> HTTPResponse)
}
