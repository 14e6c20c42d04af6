internal import SandboxPlan
internal import Synchronization
internal import WebTransport
public import Workspaces

/// A project's folder, for the routes.
public struct FolderFiles: ProjectFiles {
    private let folder: ProjectFolder

    public init(_ folder: ProjectFolder) { self.folder = folder }

    public func open(_ encodedPath: ArraySlice<UInt8>) throws(WorkspaceError) -> any ProjectFile {
        let path = try RequestedPath(percentEncoded: encodedPath)
        let file = try folder.open(path)
        // An empty result waits for its job: for a reader there is none yet.
        if file.size == 0, path.path == FolderFiles.result { throw WorkspaceError(.noFile, "File not found") }
        return FolderFile(path: path.path, file: file)
    }

    public func list(limit: Int, isQuick: Bool) throws(WorkspaceError) -> ProjectFileList {
        try folder.list(limit: limit, isQuick: isQuick) { listing in
            let files = listing.files.filter { $0.size > 0 || $0.path != FolderFiles.result }
            return ProjectFileList(files: files.map { ($0.path, $0.size) }, isCut: listing.isCut)
        }
    }

    public func write(_ encodedPath: ArraySlice<UInt8>, limit: UInt64) throws(WorkspaceError) -> any ProjectFileUpload {
        let path = try RequestedPath(percentEncoded: encodedPath)
        return FolderUpload(path: path.path, writing: try folder.write(path, limit: limit))
    }

    public func remove(_ encodedPath: ArraySlice<UInt8>, _ condition: FileCondition) throws(WorkspaceError) -> Bool {
        switch try folder.remove(try RequestedPath(percentEncoded: encodedPath), WritePrecondition(condition)) {
        case .removed: true
        case .preconditionFailed: false
        }
    }

    public func archive() throws(WorkspaceError) -> any ProjectArchive { FolderArchive(reader: try folder.archive()) }

    private static let result: OSString = ".codex/result.json"
}

private struct FolderFile: ProjectFile {
    let path: OSString
    let file: OpenedFile

    var size: UInt64 { file.size }
    var tag: String { file.tag }
    var lastModified_s: Int64 { file.lastModified_s }

    func contents(limit: Int) throws(WorkspaceError) -> [UInt8] {
        let tooMuch = WorkspaceError(.tooMuch, "The file is larger than \(limit) bytes")
        guard file.size <= UInt64(limit) else { throw tooMuch }
        var bytes = try file.read(at: 0, count: min(limit, Int(file.size)) + 1)
        // It has grown since; what it grows by after this is not seen.
        if bytes.count > file.size { bytes = try file.read(at: 0, count: min(limit, Int(file.size) + 4096) + 1) }
        guard bytes.count <= limit else { throw tooMuch }
        return bytes
    }

    func text(of contents: [UInt8], _ write: ([UInt8]) -> [UInt8]) -> [UInt8] { file.value(of: contents, write) }

    func body() throws(WorkspaceError) -> HTTPFile {
        let number = try file.duplicated()
        do throws(HTTPFileError) {
            return try HTTPFile(owned: number)
        } catch { throw WorkspaceError(.noFile, "File not found", detail: "\(error)") }
    }
}

private final class FolderUpload: ProjectFileUpload {
    private let path: OSString
    private let writing: FileWriting
    private let size = Mutex<UInt64>(0)

    init(path: OSString, writing: FileWriting) {
        self.path = path
        self.writing = writing
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(WorkspaceError) {
        try writing.append(bytes)
        size.withLock { $0 += UInt64(bytes.count) }
    }

    func commit(_ condition: FileCondition) throws(WorkspaceError) -> UploadOutcome {
        let size = size.withLock { $0 }
        switch try writing.commit(WritePrecondition(condition)) {
        case .created(let tag): return .created(path: path, size: size, tag: tag)
        case .replaced(let tag): return .replaced(path: path, size: size, tag: tag)
        case .preconditionFailed: return .conditionFailed
        }
    }
}

private struct FolderArchive: ProjectArchive {
    let reader: ArchiveReader

    func next(room: Int) throws(WorkspaceError) -> [UInt8] { try reader.next(max: room) }
}

extension WritePrecondition {
    init(_ condition: FileCondition) {
        switch condition {
        case .none: self = .none
        case .exists: self = .exists
        case .matches(let tags): self = .matches(tags)
        case .isAbsent: self = .isAbsent
        case .matchesNone(let tags): self = .matchesNone(tags)
        case .unmodifiedSince(let date): self = .unmodifiedSince(date)
        case .both(let first, let second): self = .both(WritePrecondition(first), WritePrecondition(second))
        }
    }
}
