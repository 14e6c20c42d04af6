/// What `evidence verify` found out about a workspace's file of records.
public struct ChainReport: Sendable {
    /// Something that does not hold.
    public struct Problem: Hashable, Sendable {
        /// The line it is about, from 1; nil for the whole file.
        public var line: Int?
        /// Where that line begins, in bytes from the start of the file.
        public var offset: Int64?
        /// May hold text from the file: escape it before it is shown.
        public var what: String
    }

    /// A launch with a start and no outcome, which is no problem.
    public struct OpenLaunch: Hashable, Sendable {
        public var id: LaunchID
        public var line: Int
        public var offset: Int64
        /// Whether its supervisor is there; else the launch was interrupted.
        public var isRunning: Bool
    }

    /// So many of each are listed; the rest is counted, for a file may hold nothing but damage.
    static let listLimit = 1000

    public internal(set) var lines = 0
    /// Records with a link.
    public internal(set) var chained = 0
    /// Records of the time before the chain: a change in one of them, but for the last, is not seen.
    public internal(set) var unchained = 0
    /// Launches with start and outcome.
    public internal(set) var closed = 0
    public internal(set) var refused = 0
    /// Launches without an outcome.
    public internal(set) var open = 0
    /// Of those the first ones.
    public internal(set) var openLaunches: [OpenLaunch] = []
    /// The last record with a link; nil when there is none.
    public internal(set) var head: ChainCheckpoint?
    /// What was asked to be in the chain.
    public internal(set) var since: ChainCheckpoint?
    /// Whether it is.
    public internal(set) var isSinceFound = false
    public internal(set) var problemCount = 0
    /// The first ones, as they stand in the file.
    public internal(set) var problems: [Problem] = []

    /// Whether everything that can be recomputed holds.
    public var isVerified: Bool { problemCount == 0 }

    /// What no file can tell about itself, in sentences.
    public var notKnown: [String] {
        var sentences: [String] = []
        if unchained > 0 {
            sentences.append(
                "whether records from before the chain were changed or removed (\(unchained) in the file): "
                    + "only the last of them is linked to"
            )
        }
        if let head {
            sentences.append(
                "whether records after the last one were removed, or the last one was changed: keep the head elsewhere, "
                    + "and later say --complete-since \(head)"
            )
        }
        sentences.append(
            "whether somebody with the account wrote the whole file anew: a head kept elsewhere shows it too"
        )
        return sentences
    }

    mutating func add(_ problem: Problem) {
        problemCount += 1
        if problems.count < ChainReport.listLimit { problems.append(problem) }
    }
}
