/// What a client is answered.
///
/// `Date`, `Content-Length`, `Transfer-Encoding` and `Connection` are the transport's: a response that has one of them, or a
/// header that cannot be sent, or a status outside 200 … 599, becomes a 500 (`Connection: close` may be asked for). A HEAD is
/// answered with the headers of its GET, a 304 with the Content-Length of the body it is given: give it that of the 200.
public struct HTTPResponse: Sendable {
    public var status: Int
    public var headers: HTTPHeaders
    public var body: Body

    /// What follows the head.
    public enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// `length` bytes from `offset` of a regular file, sent by sendfile(2); the transport closes it.
        ///
        /// More than the file has is a 500; where it gets shorter while it is sent, the client sees a broken answer.
        case file(HTTPFile, offset: UInt64, length: UInt64)
        /// Of unknown length: chunked, or in HTTP/1.0 up to the connection's end.
        case stream(HTTPStream)
    }

    public init(status: Int, headers: HTTPHeaders = HTTPHeaders(), body: Body = .none) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
