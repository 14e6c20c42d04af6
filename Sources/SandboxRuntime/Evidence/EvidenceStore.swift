internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// The records of one launch, open for writing.
///
/// Opened before the launch, so that a launch that cannot be recorded is refused before anything is made. It writes `start`
/// and later `outcome`, or `refused` alone, to the workspace's file and to the copy that `--evidence` asked for.
public struct EvidenceStore: ~Copyable {
    public enum Durability: Hashable, Sendable {
        /// In the page cache when the call returns: a crash of the machine can lose it, one of the process cannot.
        case processCrash
        /// On the disk when the call returns (fdatasync(2)): `--durable`.
        case powerLoss
    }

    public let location: EvidenceLocation
    private let durability: Durability
    private let folder: EvidenceFolder
    private var records: RecordFile
    private var copy: RecordFile?
    private var copyPlace: OutputPlace?
    private var start: LinkedRecord?
    private var startDigest: [UInt8]?
    /// The start as it stands in `records`; nil when that is another file by now.
    private var startThere: RecordFile.Appended?

    /// Opens the workspace's file of records, and `copy` if there is one.
    ///
    /// - Parameters:
    ///   - location: the state folder and the workspace.
    ///   - copy: the file of `--evidence`; made with mode 0600, appended to if it is there, refused if it is a link.
    ///   - durability: what a record has to survive.
    /// - Throws: `EvidenceError`; its `refusal` is what the launch ends with.
    public init(
        opening location: EvidenceLocation,
        copy: OSString? = nil,
        durability: Durability = .processCrash
    ) throws(EvidenceError) {
        // All before any property is set: an initializer that throws halfway could not say which to close.
        let folder = try EvidenceStore.openFolder(location)
        let opened = try EvidenceStore.openRecords(in: folder, location, durability)
        let openedCopy = try EvidenceStore.openCopy(copy, durability)
        self.location = location
        self.durability = durability
        self.folder = folder
        records = opened
        self.copy = openedCopy.records
        copyPlace = openedCopy.place
    }

    /// Settles that the copy stays, when the job cannot reach it; to be done before anything is appended.
    ///
    /// - Parameters:
    ///   - writable: what the job may write.
    ///   - own: our own folders.
    ///   - result: the open file of `--result`, which must be another one: each would be written over the other.
    /// - Throws: `EvidenceError` when it can; nothing is appended to the copy then, and what was made is gone.
    mutating func keepCopy(outside writable: [OSString], own: [OSString], result: Int32?) throws(EvidenceError) {
        guard var place = copyPlace.take() else { return }
        let records = copy.take()
        if let result, place.isSame(as: result) {
            throw EvidenceError(
                action: "use --evidence",
                subject: place.path,
                cause: "--result is written to the same file",
                remedy: "name two files"
            )
        }
        try place.keep(outside: writable, own: own)
        copy = records
    }

    /// Whether the start record is in the workspace's file, so that an outcome has to close it.
    var hasStart: Bool { start != nil }

    /// Whether the record of a refused launch is in the workspace's file, whatever became of the copy.
    private(set) var hasRefused = false

    /// Appends the start record: to be done before the worker is released.
    ///
    /// When it throws, the worker must not be released. Where `hasStart` then, the start stands in the workspace's file, and
    /// `appendOutcome` with the refusal closes it; else `appendRefused` has it.
    mutating func appendStart(
        _ context: PreparedContext,
        layers: [LayerReport],
        written: WrittenObservations = WrittenObservations(),
        childReport: [ReportedFact] = [],
        at time: Timestamp = .now
    ) throws(EvidenceError) {
        precondition(start == nil, "a launch starts once")
        let record = LaunchStatement.start(
            context,
            layers: layers,
            written: written,
            childReport: childReport,
            at: time
        )
        let appended = try appendToRecords(record)
        start = appended.line
        startThere = appended
        try settle(appended.line)
    }

    /// Computes the start record's digest, which the outcome names: best while the worker runs.
    public mutating func settle() {
        guard startDigest == nil, let start else { return }
        startDigest = start.digest
    }

    /// The outcome that closes the start record, to be appended when every process of the place is gone.
    public mutating func outcome(_ context: PreparedContext, _ end: LaunchEnd) -> UnlinkedRecord {
        settle()
        guard let startDigest else { preconditionFailure("an outcome needs a start; a launch without one is refused") }
        return LaunchStatement.outcome(context.id, end, toolVersion: context.toolVersion, startDigest: startDigest)
    }

    /// Appends the outcome that closes the start record.
    public mutating func appendOutcome(_ context: PreparedContext, _ end: LaunchEnd) throws(EvidenceError) {
        try append(outcome(context, end))
    }

    /// Appends what `outcome` answered.
    public mutating func appendOutcome(_ record: UnlinkedRecord) throws(EvidenceError) {
        try append(record)
    }

    /// Appends the one record of a launch that was refused before its start was recorded.
    public mutating func appendRefused(
        _ context: PreparedContext,
        _ refusal: Refusal,
        proof: ExecveFact.Proof,
        exitStatus: Int32,
        layers: [LayerReport] = [],
        childReport: [ReportedFact] = [],
        at time: Timestamp = .now
    ) throws(EvidenceError) {
        precondition(start == nil, "a launch whose start is recorded ends with an outcome")
        let statement = LaunchStatement.refused(
            context,
            refusal,
            proof: proof,
            exitStatus: exitStatus,
            layers: layers,
            childReport: childReport,
            at: time
        )
        let appended = try appendToRecords(statement)
        hasRefused = true
        try settle(appended.line)
    }

    private mutating func append(_ record: UnlinkedRecord) throws(EvidenceError) {
        try settle(appendToRecords(record).line)
    }

    /// What is to be done with a line that stands in the workspace's file.
    private mutating func settle(_ line: LinkedRecord) throws(EvidenceError) {
        try records.settle()
        try appendToCopy(line)
    }

    private mutating func appendToRecords(_ record: UnlinkedRecord) throws(EvidenceError) -> RecordFile.Appended {
        for _ in 0..<EvidenceStore.reopenings {
            let appended =
                if let startThere, let startDigest {
                    try records.append(record, after: (startThere, startDigest))
                } else {
                    try records.append(record)
                }
            if let appended { return appended }
            // A day may lie between start and outcome: `gc` replaced the file meanwhile, or somebody removed it.
            let folder = try EvidenceStore.openFolder(location)
            records = try EvidenceStore.openRecords(in: folder, location, durability)
            startThere = nil
        }
        throw EvidenceError(
            action: "append to",
            subject: location.records,
            cause: "it was replaced \(EvidenceStore.reopenings) times while it was being opened",
            remedy: "see who removes it again and again"
        )
    }

    private static let reopenings = 100

    /// The copy has the very line of the workspace's file.
    private mutating func appendToCopy(_ line: LinkedRecord) throws(EvidenceError) {
        switch copy {
        case .some(let copy):
            try copy.append(copyOf: line)
            try copy.settle()
        case .none: return
        }
        if var place = copyPlace.take() { place.keep() }
    }

    private struct Copy: ~Copyable {
        var records: RecordFile?
        var place: OutputPlace?
    }

    private static func openCopy(_ path: OSString?, _ durability: Durability) throws(EvidenceError) -> Copy {
        guard let path else { return Copy(records: nil, place: nil) }
        let opened = try OutputPlace.open(path, option: "--evidence", access: O_RDWR | O_APPEND)
        let records = try RecordFile.adopt(
            opened.file,
            path: path,
            durable: durability == .powerLoss,
            remedy: "name another file with --evidence FILE"
        )
        return Copy(records: records, place: opened.place)
    }

    /// Descriptor of the workspace's folder, for what else is kept there; valid as long as the store.
    var workspaceFolder: Int32 { folder.descriptor.number }

    private static func openFolder(_ location: EvidenceLocation) throws(EvidenceError) -> EvidenceFolder {
        guard let workspace = try EvidenceFolder.workspace(location, make: true) else {
            throw EvidenceError(
                action: "open the folder of records",
                subject: location.records.parent,
                cause: "it was removed while it was being opened",
                remedy: "try again"
            )
        }
        return workspace
    }

    private static func openRecords(
        in workspace: borrowing EvidenceFolder,
        _ location: EvidenceLocation,
        _ durability: Durability
    ) throws(EvidenceError) -> RecordFile {
        try RecordFile.open(
            EvidenceLocation.fileName,
            below: workspace.descriptor.number,
            path: location.records,
            durable: durability == .powerLoss,
            remedy: EvidenceFolder.remedy
        )
    }
}
