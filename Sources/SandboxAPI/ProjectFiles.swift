public import SandboxPlan
internal import Synchronization
public import WebTransport
public import Workspaces

/// A project's files, as the routes need them; the paths are the rest of a target as it came, in percent-encoding.
///
/// What a path may be and where it leads is decided behind this line, in one place: `.invalidPath` and `.noFile` come from there.
public protocol ProjectFiles: Sendable {
    func open(_ encodedPath: ArraySlice<UInt8>) throws(WorkspaceError) -> any ProjectFile
    /// At most `limit` files; cut, too, where it would hold up whoever asks, if it is to be quick.
    func list(limit: Int, isQuick: Bool) throws(WorkspaceError) -> ProjectFileList
    /// Begins to write a file of at most `limit` bytes.
    func write(_ encodedPath: ArraySlice<UInt8>, limit: UInt64) throws(WorkspaceError) -> any ProjectFileUpload
    /// Whether the condition held; if so, the file is gone.
    func remove(_ encodedPath: ArraySlice<UInt8>, _ condition: FileCondition) throws(WorkspaceError) -> Bool
    /// Begins to read the whole workspace as a tar.
    func archive() throws(WorkspaceError) -> any ProjectArchive
}

/// A regular file, held open.
public protocol ProjectFile: Sendable {
    /// Decoded.
    var path: OSString { get }
    /// In bytes.
    var size: UInt64 { get }
    /// A strong entity tag with its quotes.
    var tag: String { get }
    /// From when on it is known to be as it is, in seconds since 1970-01-01T00:00:00Z; may be the second that is under way.
    var lastModified_s: Int64 { get }
    /// All of it; `.tooMuch` beyond `limit` bytes.
    func contents(limit: Int) throws(WorkspaceError) -> [UInt8]
    /// What `write` makes of its contents, which were read just now, or made of the same the last time; always the same `write`.
    func text(of contents: [UInt8], _ write: ([UInt8]) -> [UInt8]) -> [UInt8]
    /// The file for the transport, which closes it.
    func body() throws(WorkspaceError) -> HTTPFile
}

extension ProjectFile {
    func text(of contents: [UInt8], _ write: ([UInt8]) -> [UInt8]) -> [UInt8] { write(contents) }
}

/// The files of a workspace; one value may be the answer to many requests, and is written as text once.
public final class ProjectFileList: Sendable {
    public let files: [(path: OSString, size: UInt64)]
    /// Whether there are more than are listed.
    public let isCut: Bool
    private let written = Mutex<[UInt8]?>(nil)

    public init(files: [(path: OSString, size: UInt64)], isCut: Bool) {
        self.files = files
        self.isCut = isCut
    }

    /// What `write` made of it the first time.
    func text(_ write: (ProjectFileList) -> [UInt8]) -> [UInt8] {
        if let text = written.withLock({ $0 }) { return text }
        let text = write(self)
        written.withLock { $0 = text }
        return text
    }
}

/// A file that is being written; nobody sees it before `commit`, and nothing of it stays without.
public protocol ProjectFileUpload: Sendable {
    func append(_ bytes: UnsafeRawBufferPointer) throws(WorkspaceError)
    func commit(_ condition: FileCondition) throws(WorkspaceError) -> UploadOutcome
}

public enum UploadOutcome: Sendable {
    case created(path: OSString, size: UInt64, tag: String)
    case replaced(path: OSString, size: UInt64, tag: String)
    case conditionFailed
}

/// A tar that is being read; ends with the value.
public protocol ProjectArchive: Sendable {
    /// The next bytes, at most `room`; empty at the end.
    func next(room: Int) throws(WorkspaceError) -> [UInt8]
}
