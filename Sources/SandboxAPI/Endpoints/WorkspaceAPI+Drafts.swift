internal import WebTransport

/// An answer that has been gathered and not yet written as text, which may be several times as long.
struct Draft {
    var fields: HTTPHeaders
    /// What its text has at most, in bytes.
    var size: Int
    var text: () -> [UInt8]

    init(_ type: String, _ fields: HTTPHeaders = [:], size: Int, text: @escaping () -> [UInt8]) {
        self.fields = fields
        self.fields.set("Content-Type", type)
        self.size = size
        self.text = text
    }

    /// As JSON a byte becomes six at most (RFC 8259, section 7); what is around it comes on top.
    static func escapedSize(_ bytes: Int, parts: Int = 1) -> Int { 6 * bytes + 256 * parts + 256 }
}

extension WorkspaceAPI {
    /// An answer that is gathered and written beside the transport's threads.
    ///
    /// One that may be large takes a place among the large ones before its text is made, and keeps it for as long as its client
    /// reads: so many readers of a worker's output do not come to as much memory.
    func drafted(_ gather: @escaping @Sendable () throws(APIError) -> Draft) -> Reply {
        let heavy = heavy
        return .later { () async throws(APIError) -> HTTPResponse in
            try await heavy.run { () throws(APIError) -> HTTPResponse in
                let draft = try gather()
                guard draft.size > HeavyWork.largeAnswer else {
                    return HTTPResponse(status: 200, headers: draft.fields, body: .bytes(draft.text()))
                }
                try heavy.beginLarge()
                let feed = BytesFeed(draft.text(), heavy)
                return HTTPResponse(status: 200, headers: draft.fields, body: .stream(feed.stream()))
            }
        }
    }
}
