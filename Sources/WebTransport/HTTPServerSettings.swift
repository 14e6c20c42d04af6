/// The limits of a server; every one is held by the transport itself.
public struct HTTPServerSettings: Hashable, Sendable {
    /// Threads that read, call the handler and write; 1 … 64.
    public var threads = 2
    /// Connections open at once besides those of strangers, 1 … 1,000,000.
    ///
    /// Further ones wait, 64 of them accepted and the others in the kernel's backlog, until one ends, or one is closed for
    /// them: the longest idle one, or else whoever is behind the most with its head or body (by a second or more; answered
    /// 408), or with reading its answer (`crowdedBytesPerSecond`). Each needs a descriptor (RLIMIT_NOFILE).
    public var connections = 2_048
    /// Connections at once of one account on this host, of one address elsewhere (and here where the account is not known);
    /// nil for no limit of its own.
    ///
    /// At least 1. What is over it is reset unread. Accounts of `trustedUIDs` have none.
    public var connectionsPerPeer: Int? = 512
    /// The accounts that the server is for; nil (the default) if it is for everybody alike.
    ///
    /// All others, those of other hosts, and those whose account the kernel does not tell at accept(2), are strangers: they
    /// are served, but on connections of their own, so that none of them keeps a trusted one out.
    public var trustedUIDs: Set<UInt32>?
    /// Connections of all strangers together, beside `connections`; 0 … 1,000,000.
    ///
    /// What is over it is reset unread. Without `trustedUIDs` there are no strangers.
    public var strangerConnections = 64
    /// Bytes for a connection's head and the transport's own book-keeping of it, 4,096 … 1,048,576.
    ///
    /// It is the connection's memory while it is open: half of it holds what is read at first, and a header field takes
    /// 64 bytes beside its own. What does not fit is answered 431, a request line that does not fit 414.
    public var headBytes = 32 * 1_024
    /// Seconds from the connection's begin, and for later requests from the end of the request line, until the whole
    /// head is there; not renewed by single bytes.
    public var headSeconds = 10.0
    /// Seconds that a body may take, besides a second for every `bodyBytesPerSecond` that have come.
    public var bodySeconds = 30.0
    /// The slowest body, on average, once `bodySeconds` are used up; at least 1.
    public var bodyBytesPerSecond = 1_024
    /// Seconds between the end of an answer and the next request line.
    public var idleSeconds = 60.0
    /// Seconds that a client may take to read an answer, besides a second for every `answerBytesPerSecond` of it; of a
    /// stream: between two takings of it.
    public var answerSeconds = 30.0
    /// The slowest reader of an answer with a length, on average; at least 1.
    public var answerBytesPerSecond = 1_024
    /// The slowest reader of an answer with a length that keeps its connection while others wait for one; at least 1.
    ///
    /// A client that needs no right to ask could else hold a connection for as long as a page takes at `answerBytesPerSecond`.
    public var crowdedBytesPerSecond = 64 * 1_024
    /// Seconds that the closure of `HTTPAnswer.later` may take; nil (the default) for no limit.
    ///
    /// Jobs take long. Beyond it the task is cancelled and the client answered 503.
    public var laterSeconds: Double?
    /// Seconds from the begin of a stop in which clients that are connected may still send a request; 0 … 60.
    public var stopGraceSeconds = 1.0

    public init() {}
}

/// Why a server did not start.
public struct HTTPServerError: Error, Hashable, Sendable, CustomStringConvertible {
    public var what: String
    public var why: String
    public var remedy: String

    public var description: String { "\(what): \(why). \(remedy)" }
}
