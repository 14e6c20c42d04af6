import Glibc
import SandboxPlan
import Synchronization
import WebTransport
import Workspaces

@testable import SandboxAPI

/// Files in memory, under the rules for paths in short.
final class FakeFolders: Sendable {
    private let files = Mutex<[String: [OSString: [UInt8]]]>([:])
    private let begun = Mutex(0)

    /// How many have been begun.
    var archives: Int { begun.withLock { $0 } }

    func add(_ project: String, _ contents: [String: String]) {
        for (path, text) in contents { put(project, OSString(path), Array(text.utf8)) }
    }

    func put(_ project: String, _ path: OSString, _ bytes: [UInt8]?) {
        files.withLock { $0[project, default: [:]][path] = bytes }
    }

    func bytes(_ project: String, _ path: OSString) -> [UInt8]? { files.withLock { $0[project]?[path] } }

    func all(_ project: String) -> [OSString: [UInt8]] { files.withLock { $0[project] ?? [:] } }

    func folder(_ project: String, of workspaces: FakeWorkspaces) throws(WorkspaceError) -> any ProjectFiles {
        _ = try workspaces.project(project)
        return Folder(project: project, folders: self)
    }

    static func path(_ encoded: ArraySlice<UInt8>) throws(WorkspaceError) -> OSString {
        let path = OSString(PercentCoding.decoded(encoded))
        let isDrive = path.bytes.count > 2 && path.bytes[1] == UInt8(ascii: ":")
        guard !path.isAbsolute, !path.components.contains(".."), !path.bytes.contains(0), !isDrive,
            !path.bytes.starts(with: "\\\\".utf8)
        else { throw WorkspaceError(.invalidPath, "Invalid path") }
        return path
    }

    /// 1994-11-06T08:49:37Z, of every file.
    static let modified: Int64 = 784_111_777

    static func tag(_ bytes: [UInt8]) -> String { "\"\(bytes.count)-\(bytes.reduce(0) { ($0 &* 31) &+ UInt64($1) })\"" }

    private struct Folder: ProjectFiles {
        let project: String
        let folders: FakeFolders

        func open(_ encodedPath: ArraySlice<UInt8>) throws(WorkspaceError) -> any ProjectFile {
            let path = try FakeFolders.path(encodedPath)
            guard let bytes = folders.bytes(project, path) else { throw WorkspaceError(.noFile, "File not found") }
            return File(path: path, bytes: bytes)
        }

        func list(limit: Int, isQuick: Bool) throws(WorkspaceError) -> ProjectFileList {
            let files = folders.all(project).sorted { $0.key < $1.key }
            return ProjectFileList(
                files: files.map { ($0.key, UInt64($0.value.count)) },
                isCut: files.count > min(50, limit)
            )
        }

        func write(_ encodedPath: ArraySlice<UInt8>, limit: UInt64) throws(WorkspaceError) -> any ProjectFileUpload {
            Upload(project: project, folders: folders, path: try FakeFolders.path(encodedPath), limit: 1000)
        }

        func remove(_ encodedPath: ArraySlice<UInt8>, _ condition: FileCondition) throws(WorkspaceError) -> Bool {
            let path = try FakeFolders.path(encodedPath)
            guard let bytes = folders.bytes(project, path) else { throw WorkspaceError(.noFile, "File not found") }
            guard condition.holds(bytes) else { return false }
            folders.put(project, path, nil)
            return true
        }

        func archive() throws(WorkspaceError) -> any ProjectArchive {
            folders.begun.withLock { $0 += 1 }
            return Archive()
        }
    }

    private struct File: ProjectFile {
        let path: OSString
        let bytes: [UInt8]

        var size: UInt64 { UInt64(bytes.count) }
        var tag: String { FakeFolders.tag(bytes) }
        var lastModified_s: Int64 { FakeFolders.modified }

        func contents(limit: Int) throws(WorkspaceError) -> [UInt8] {
            guard bytes.count <= limit else { throw WorkspaceError(.tooMuch, "too large") }
            return bytes
        }

        func body() throws(WorkspaceError) -> HTTPFile {
            do throws(HTTPFileError) {
                return try HTTPFile(owned: open("/proc/self/exe", O_RDONLY | O_CLOEXEC))
            } catch {
                throw WorkspaceError(.fault, error.why)
            }
        }
    }

    private final class Upload: ProjectFileUpload {
        let project: String
        let folders: FakeFolders
        let path: OSString
        let limit: Int
        let bytes = Mutex<[UInt8]>([])

        init(project: String, folders: FakeFolders, path: OSString, limit: Int) {
            self.project = project
            self.folders = folders
            self.path = path
            self.limit = limit
        }

        func append(_ more: UnsafeRawBufferPointer) throws(WorkspaceError) {
            let count = bytes.withLock { bytes in
                bytes.append(contentsOf: more)
                return bytes.count
            }
            if count > limit { throw WorkspaceError(.tooMuch, "The file is larger than \(limit) bytes") }
        }

        func commit(_ condition: FileCondition) throws(WorkspaceError) -> UploadOutcome {
            let older = folders.bytes(project, path)
            guard condition.holds(older) else { return .conditionFailed }
            let bytes = bytes.withLock { $0 }
            folders.put(project, path, bytes)
            let tag = FakeFolders.tag(bytes)
            let size = UInt64(bytes.count)
            return older == nil
                ? .created(path: path, size: size, tag: tag) : .replaced(path: path, size: size, tag: tag)
        }
    }

    private final class Archive: ProjectArchive {
        private let pieces = Mutex<[[UInt8]]>([[1, 2, 3], [4]])

        func next(room: Int) throws(WorkspaceError) -> [UInt8] {
            let next: [UInt8]? = pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            guard let next else { throw WorkspaceError(.fault, "the disk is gone") }
            return next
        }
    }
}

extension FileCondition {
    fileprivate func holds(_ bytes: [UInt8]?) -> Bool {
        let tag = bytes.map { FakeFolders.tag($0) }
        return switch self {
        case .none: true
        case .exists: bytes != nil
        case .matches(let tags): tag.map { tags.contains($0) } ?? false
        case .isAbsent: bytes == nil
        case .unmodifiedSince(let date): bytes == nil || FakeFolders.modified <= date
        case .both(let first, let second): first.holds(bytes) && second.holds(bytes)
        case .matchesNone(let tags): tag.map { !tags.contains($0) } ?? true
        }
    }
}
