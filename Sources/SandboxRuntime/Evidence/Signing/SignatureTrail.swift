internal import SandboxPlan

/// What `evidence verify` checks signatures with.
public struct SignatureKeys: Sendable {
    public var keys: [RecordVerificationKey]
    /// Whether every record has to be chained and signed; else one without a signature is only named.
    public var areRequired: Bool
    /// Where they come from, in words.
    public var origin: String

    public init(keys: [RecordVerificationKey], areRequired: Bool, origin: String) {
        self.keys = keys
        self.areRequired = areRequired
        self.origin = origin
    }

    static let none = SignatureKeys(keys: [], areRequired: false, origin: "no key")
}

/// Goes through a workspace's signatures beside its records: one of each is in memory.
struct SignatureTrail: ~Copyable {
    enum Finding: Hashable {
        case signed
        case unsigned
        /// Something does not hold, in words.
        case wrong(String)
    }

    static let anotherRecord = Finding.wrong(
        "its signature is of another record: it was changed, or put in the place of another"
    )

    private var lines: LinesForwards?
    private let keys: SignatureKeys
    /// The signature that comes next.
    private var next: RecordSignature?
    private var number = 0
    private var isBegun = false
    /// The highest sequence that a signature names, of those that were read; 0 without one.
    private(set) var newest: Int64 = 0
    /// What is wrong with lines of the file of signatures: the first `ChainReport.listLimit` since they were taken.
    private(set) var problems: [String] = []
    /// How many more there were: a file may hold nothing but damage.
    private var unlisted = 0
    /// The sequence of the last record that was taken.
    private var taken: Int64 = 0
    /// Lines behind this one came while the records were read: they may sign records up to `taken` then, which were found
    /// without a signature.
    private var late: (line: Int, sequence: Int64)?

    init(_ signatures: consuming SettledRecords?, _ keys: SignatureKeys) {
        lines =
            switch consume signatures {
            case .some(let signatures): signatures.linesForwards()
            case .none: nil
            }
        self.keys = keys
    }

    /// Whether there is such a file.
    var isThere: Bool {
        switch lines {
        case .some: true
        case .none: false
        }
    }

    mutating func takeProblems() -> (listed: [String], unlisted: Int) {
        defer {
            problems = []
            unlisted = 0
        }
        return (problems, unlisted)
    }

    private mutating func problem(_ what: String) {
        if problems.count < ChainReport.listLimit { problems.append(what) } else { unlisted += 1 }
    }

    /// Takes what was appended since.
    mutating func settleAgain() throws(EvidenceError) -> LinesForwards.Later {
        guard var lines = lines.take() else { return .nothing }
        let later = try lines.settleAgain()
        self.lines = consume lines
        if later == .lines {
            late = (number, taken)
            if next == nil { try advance() }
        }
        return later
    }

    /// The signature of the next record in the chain.
    ///
    /// Records up to the sequence `removed` are gone, and a checkpoint says so.
    mutating func take(
        _ link: ChainLink,
        _ line: LinesForwards.Line,
        removed: Int64
    ) throws(EvidenceError) -> Finding {
        try begin()
        defer { taken = max(taken, link.sequence) }
        while let early = next, early.sequence < link.sequence {
            if early.sequence > removed && !isLate(early) {
                problem("line \(number) signs record \(early.sequence), which is not there, or is there twice")
            }
            try advance()
        }
        guard let signature = next, signature.sequence == link.sequence else { return .unsigned }
        try advance()
        guard signature.record == line.digest else {
            return SignatureTrail.anotherRecord
        }
        return try SignatureTrail.finding(signature, line, keys)
    }

    /// Whether a signature that names this very line is one.
    static func finding(
        _ signature: RecordSignature,
        _ line: LinesForwards.Line,
        _ keys: SignatureKeys
    ) throws(EvidenceError) -> Finding {
        guard let key = keys.keys.first(where: { $0.id == signature.keyID }) else {
            return .wrong("signed with the key \(signature.keyID), and not with \(keys.origin)")
        }
        guard try key.verifies(signature.signature, DSSE.preAuthenticationEncoding(line.bytes)) else {
            return .wrong("its signature is wrong: it was not made with the key \(key.id) over this record")
        }
        return .signed
    }

    /// Signatures that are left are of records that are not there.
    mutating func end() throws(EvidenceError) {
        try begin()
        while let left = next {
            if isLate(left) {
                try advance()
                continue
            }
            problem("line \(number) signs record \(left.sequence), which is not there")
            try advance()
        }
    }

    private func isLate(_ signature: RecordSignature) -> Bool {
        guard let late else { return false }
        return number > late.line && signature.sequence <= late.sequence
    }

    private mutating func begin() throws(EvidenceError) {
        if isBegun { return }
        isBegun = true
        try advance()
    }

    private mutating func advance() throws(EvidenceError) {
        next = nil
        guard var lines = lines.take() else { return }
        while next == nil, let line = try lines.next() {
            number = line.number
            if line.isCutOff {
                problem(
                    "line \(number) is cut off: its writer was killed; `codex-sandbox evidence sign` signs its record again"
                )
                continue
            }
            next = RecordSignature(reading: line.bytes)
            newest = max(newest, next?.sequence ?? 0)
            if next == nil { problem("line \(number) is no signature") }
        }
        self.lines = consume lines
    }
}
