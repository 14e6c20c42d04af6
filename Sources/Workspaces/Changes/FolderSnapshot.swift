internal import SandboxPlan

/// A project's folder as it was before a job: what there is, and the contents of small texts.
///
/// Left out are what is in `.git` folders and the two files that a job exchanges with the server.
public struct FolderSnapshot: Sendable {
    struct Bounds: Sendable {
        /// Bytes of a file whose contents are kept.
        var fileSize: UInt64 = 64 << 10
        /// Bytes of all contents.
        var contents = 16 << 20
        var walk = FolderWalk.Bounds()
    }

    struct Known: Sendable {
        var facts: FileFacts
        /// Nil where they are not kept: large, no text, unreadable, no room left.
        var contents: [UInt8]?
        /// Of a link.
        var target: OSString?
    }

    var files: [OSString: Known] = [:]
    /// Folders that could not be looked into.
    var closed: [OSString] = []
    /// Whether the look ended before its end.
    public internal(set) var isCut: Bool
    let bounds: Bounds

    init(_ folder: ProjectFolder, _ bounds: Bounds) throws(WorkspaceError) {
        self.bounds = bounds
        let walk = try FolderSnapshot.walk(folder, bounds)
        isCut = walk.isCut
        closed = walk.closed + walk.tooDeep
        files.reserveCapacity(walk.entries.count)
        var room = bounds.contents
        for entry in walk.entries where entry.facts.kind != .folder {
            var known = Known(facts: entry.facts)
            if entry.facts.kind == .file && entry.facts.size <= bounds.fileSize && entry.facts.size <= UInt64(room) {
                known.contents = try FolderSnapshot.text(folder, entry, bounds)
                room -= known.contents?.count ?? 0
            }
            if entry.facts.kind == .link { known.target = try folder.target(ofLink: entry.path) }
            files[entry.path] = known
        }
    }

    static func walk(_ folder: ProjectFolder, _ bounds: Bounds) throws(WorkspaceError) -> FolderWalk {
        try FolderWalk(folder.number, bounds.walk, leavesOut: isLeftOut)
    }

    private static let gitFolder: OSString = ".git"
    private static let exchange = [
        ExchangeFolder.name.appending(ExchangeFolder.request), ExchangeFolder.name.appending(ExchangeFolder.result),
    ]

    private static func isLeftOut(_ path: OSString) -> Bool {
        path.parent.lastComponent == gitFolder || exchange.contains(path)
    }

    /// The contents of a small text; nil for anything else, and when it has gone meanwhile.
    static func text(
        _ folder: ProjectFolder,
        _ entry: FolderWalk.Entry,
        _ bounds: Bounds
    ) throws(WorkspaceError) -> [UInt8]? {
        do throws(WorkspaceError) {
            let file = try folder.open(entry.path, Beneath.withoutLinks)
            let bytes = try ProjectFolder.contents(file, entry.path, Int(bounds.fileSize))
            return bytes.contains(0) || String(validating: bytes, as: UTF8.self) == nil ? nil : bytes
        } catch {
            switch error.kind {
            case .noFile, .invalidPath, .tooMuch, .conflict: return nil
            case .noProject, .noJob, .unknownPolicy, .noPage, .unavailable, .fault: throw error
            }
        }
    }
}

extension ProjectFolder {
    /// What the folder is like now, for `changes(since:)` later.
    ///
    /// Up to 100,000 entries, and the contents of texts of at most 64 KiB each and 16 MiB together.
    public func snapshot() throws(WorkspaceError) -> FolderSnapshot {
        try FolderSnapshot(self, FolderSnapshot.Bounds())
    }
}
