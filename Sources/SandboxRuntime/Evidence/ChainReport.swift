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

        public init(line: Int? = nil, offset: Int64? = nil, what: String) {
            self.line = line
            self.offset = offset
            self.what = what
        }
    }

    /// A launch with a start and no outcome, which is no problem.
    public struct OpenLaunch: Hashable, Sendable {
        public var id: LaunchID
        public var line: Int
        public var offset: Int64
        /// Whether its supervisor is there; else the launch was interrupted.
        public var isRunning: Bool
    }

    /// Lines one after the other, none of them signed.
    public struct Stretch: Hashable, Sendable {
        public var firstLine: Int
        public var lastLine: Int
        public var firstSequence: Int64
        public var lastSequence: Int64
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
    /// Whether it was the last record that `gc` removed, as a checkpoint with a right signature says.
    public internal(set) var isSinceRemoved = false
    /// Records whose signature is right.
    public internal(set) var signed = 0
    /// The last of them.
    public internal(set) var signedThrough: Int64?
    /// Chained records without a signature.
    public internal(set) var unsigned = 0
    /// The first stretches of them.
    public internal(set) var unsignedStretches: [Stretch] = []
    /// Whether there is a file of signatures.
    public internal(set) var signaturesAreKept = false
    /// What `gc` left in place of what it removed from the beginning; nil where the file begins with its chain.
    public internal(set) var checkpoint: Checkpoint?
    /// How many checkpoints stand in the file.
    public internal(set) var checkpoints = 0
    /// Whether it is a copy, which has some of a chain's lines.
    public internal(set) var isCopy = false
    /// Of a copy: how often the next line is not the next of the chain.
    public internal(set) var gaps = 0
    /// Of a copy: how many records are of other workspaces, so that their signatures are kept elsewhere.
    public internal(set) var foreign = 0
    /// How many launches that ended are so long ago that they are not known any more.
    public internal(set) var forgotten = 0
    /// Records that an earlier version linked to half a line only, and not to what stands before that.
    public private(set) var looselyLinked = 0
    /// The line of the first of them.
    private var firstLooselyLinked: Int?
    public internal(set) var problemCount = 0
    /// Problems that are only damage, as of a disk that failed.
    private(set) var damageCount = 0
    /// The first ones, as they stand in the file.
    public internal(set) var problems: [Problem] = []
    /// Lines that were not written whole, or were cut; no problem in the chain, for the next record links to them as they are.
    public private(set) var tornCount = 0
    /// The first of them.
    public private(set) var torn: [Problem] = []

    /// Whether there is something to recompute, and everything holds.
    public var isVerified: Bool { problemCount == 0 }

    /// Whether it is as if there were no file: nothing is in it, nothing says that anything was, and nothing was asked for.
    ///
    /// A launch that ends before its first record, as one that is cancelled, leaves such a file: it is opened first.
    public var hasNoRecords: Bool { lines == 0 && !signaturesAreKept && since == nil && !isCopy }

    /// What no file can tell about itself, in sentences.
    public var notKnown: [String] {
        var sentences: [String] = []
        if unchained > 0 {
            sentences.append(
                "whether records from before the chain were changed or removed (\(unchained) in the file): "
                    + "only the last of them is linked to"
            )
        }
        if tornCount > 0 {
            sentences.append(
                "whether lines that are not whole (\(tornCount)) were cut when their commands had run: a launcher that is killed "
                    + "leaves the same; a signature or a head from before, kept elsewhere, tells"
            )
        }
        if let checkpoint {
            sentences.append(
                "what stood in the \(checkpoint.total.records) records that `codex-sandbox gc` removed: complete since "
                    + "\(checkpoint.removedThrough), says the checkpoint"
            )
        }
        if let firstLooselyLinked {
            sentences.append(
                "whether the last record before line \(firstLooselyLinked) was changed"
                    + (looselyLinked > 1 ? ", and those before \(looselyLinked - 1) more such lines" : "")
                    + ": an earlier version linked it to the half line before it alone; a signature of that record tells"
            )
        }
        if forgotten > 0 {
            sentences.append(
                "whether one of the \(forgotten) oldest launches is there twice: only those that ended last are remembered"
            )
        }
        if isCopy {
            sentences.append(
                "whether the copy has every line that it should: it has some of a chain, and \(gaps) gaps in it"
            )
        }
        if foreign > 0 {
            sentences.append(
                "whether records of other workspaces (\(foreign)) are as they were signed: see each with its --workspace"
            )
        }
        if signed > 0 {
            sentences.append(
                "who held the private key: whoever has the account can sign; only a key that was kept from it can tell"
            )
        }
        if unsigned > 0 {
            sentences.append(
                "whether records that are not signed (\(unsigned)) were written anew together with all behind them"
            )
        }
        if let head, !isCopy {
            sentences.append(
                "whether records after the last one were removed, or the last one was changed: keep the head elsewhere, "
                    + "and later say --complete-since \(head)"
            )
        }
        if isCopy { return sentences }
        sentences.append(
            "whether somebody with the account wrote the whole file anew: a head kept elsewhere shows it too"
        )
        return sentences
    }

    /// Whether all that does not hold is damage.
    var isOnlyDamaged: Bool { problemCount == damageCount }

    mutating func addUnsigned(_ line: Int, _ sequence: Int64) {
        unsigned += 1
        if let last = unsignedStretches.last, last.lastSequence == sequence - 1 {
            unsignedStretches[unsignedStretches.count - 1].lastSequence = sequence
            unsignedStretches[unsignedStretches.count - 1].lastLine = line
            return
        }
        guard unsignedStretches.count < ChainReport.listLimit else { return }
        unsignedStretches.append(
            Stretch(firstLine: line, lastLine: line, firstSequence: sequence, lastSequence: sequence)
        )
    }

    /// What became of lines that looked unfinished.
    mutating func add(_ judged: TornRun.Judged) {
        tornCount += judged.torn.count
        torn += judged.torn.prefix(max(ChainReport.listLimit - torn.count, 0))
        for problem in judged.damage { add(problem, isDamage: true) }
        for problem in judged.undecided { add(problem) }
    }

    /// A record that an earlier version linked to half a line only.
    mutating func addLooselyLinked(_ line: Int) {
        looselyLinked += 1
        firstLooselyLinked = firstLooselyLinked ?? line
    }

    mutating func addSignatureProblem(_ what: String) {
        add(Problem(what: "\(EvidenceLocation.signaturesName): \(what)"))
    }

    /// So many more that nobody kept, behind a list that is full.
    mutating func addUnlisted(_ count: Int) { problemCount += count }

    mutating func add(_ problem: Problem, isDamage: Bool = false) {
        problemCount += 1
        if isDamage { damageCount += 1 }
        if problems.count < ChainReport.listLimit { problems.append(problem) }
    }
}
