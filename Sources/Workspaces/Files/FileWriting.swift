internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import Synchronization

/// A file that is being written into a project's folder: nobody sees it before `commit`, and nothing of it stays without.
///
/// The bytes go to a file without a name (O_TMPFILE), where the file system has such files; else to one with a hidden name
/// nobody can guess in the folder it is meant for. For one thread at a time.
public final class FileWriting: Sendable {
    private struct State: ~Copyable {
        var written: UInt64 = 0
        /// The name it has already; nil for a file without one.
        var temporary: OSString?
        var isOver = false
        /// Folders that were made for it, from the project's folder; they go with a file that does not come.
        var made: [OSString]
    }

    private let folder: ProjectFolder
    private let path: OSString
    private let parent: OwnedFileDescriptor
    private let file: OwnedFileDescriptor
    private let limit: UInt64
    private let isExecutable: Bool?
    private let state: Mutex<State>

    /// Compares and replaces one at a time: of two clients with the same tag, one is too late.
    private static let commits = Mutex<Void>(())
    private static let attempts = 16
    private static let withoutName: UInt64 = 0o20000000  // __O_TMPFILE; openat2(2) wants O_DIRECTORY with it
    static let temporaryPrefix = ".codex-sandbox-upload-"

    init(
        _ folder: ProjectFolder,
        _ path: OSString,
        parent: consuming OwnedFileDescriptor,
        made: [OSString] = [],
        limit: UInt64,
        isExecutable: Bool?,
        prefersNameless: Bool = true
    ) throws(WorkspaceError) {
        let writing = UInt64(O_WRONLY | O_NONBLOCK)
        let nameless = FileWriting.withoutName | UInt64(CS_O_DIRECTORY) | writing
        var temporary: OSString?
        var number = Int(-EOPNOTSUPP)
        if prefersNameless {
            number = Beneath.open(".", below: parent.number, nameless, mode: 0o600, Beneath.withoutLinks)
        }
        switch Int32(-number) {
        // Of file systems without such files, as open(2) lists them.
        case EOPNOTSUPP, EISDIR, ENOENT, EINVAL:
            let name = Beneath.randomName(FileWriting.temporaryPrefix)
            let flags = writing | UInt64(O_CREAT | O_EXCL | CS_O_NOFOLLOW)
            number = Beneath.open(name, below: parent.number, flags, mode: 0o600, Beneath.withoutLinks)
            temporary = name
        default: break
        }
        guard number >= 0 else { throw ProjectFolder.fault("openat2", path, number) }
        file = OwnedFileDescriptor(owning: Int32(number))
        self.folder = folder
        self.path = path
        self.parent = parent
        self.limit = limit
        self.isExecutable = isExecutable
        state = Mutex(State(temporary: temporary, made: made))
    }

    deinit {
        state.withLock { state in
            if !state.isOver { takeAway(&state) }
        }
    }

    /// Adds bytes at the end.
    ///
    /// - Throws: `.tooMuch` beyond the limit; `.unavailable` on a full disk. What was written so far is not kept then.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(WorkspaceError) {
        try state.withLock { (state) throws(WorkspaceError) in
            precondition(!state.isOver, "a file is written after its end")
            guard UInt64(bytes.count) <= limit - state.written else {
                throw WorkspaceError(.tooMuch, "The file is larger than \(limit) bytes", detail: path.description)
            }
            var done = 0
            while done < bytes.count {
                let count = write(file.number, bytes.baseAddress?.advanced(by: done), bytes.count - done)
                let code = errno
                if count > 0 { done += count }
                if count == 0 { throw ProjectFolder.fault("write", path, Int(-EIO)) }
                if count < 0 && code != EINTR { throw ProjectFolder.fault("write", path, Int(-code)) }
            }
            state.written += UInt64(bytes.count)
        }
    }

    /// Adds bytes at the end.
    public func append(_ bytes: [UInt8]) throws(WorkspaceError) {
        var fault: WorkspaceError?
        bytes.withUnsafeBytes { bytes in
            do throws(WorkspaceError) { try append(bytes) } catch { fault = error }
        }
        if let fault { throw fault }
    }

    /// Puts the file in its place, at once for everybody who looks: over an older one, or where none was.
    ///
    /// The comparison and the change are one step for all who write over the API. A job may still change the older file between
    /// the two; one that makes a file where none was is noticed always.
    ///
    /// - Throws: `.invalidPath` where the name is a link; `.conflict` where it is a folder or another thing, and where
    ///   the way to it has been changed since.
    public func commit(_ precondition: WritePrecondition = .none) throws(WorkspaceError) -> WriteOutcome {
        try state.withLock { (state) throws(WorkspaceError) in
            Swift.precondition(!state.isOver, "a file is committed twice")
            defer {
                takeAway(&state)
                state.isOver = true
            }
            return try FileWriting.exclusively { () throws(WorkspaceError) in
                try folder.checkTakes()
                try checkParent()
                for _ in 0..<FileWriting.attempts {
                    guard let outcome = try place(precondition, &state) else { continue }
                    if outcome != .preconditionFailed { state.made = [] }
                    return outcome
                }
                throw ProjectFolder.fault("renameat2", path, Int(-EAGAIN))
            }
        }
    }

    /// Runs `body` while nothing is committed.
    static func exclusively<Value>(_ body: () throws(WorkspaceError) -> Value) throws(WorkspaceError) -> Value {
        try commits.withLock { (_) throws(WorkspaceError) in try body() }
    }

    // MARK: - Steps

    private var name: OSString { path.lastComponent }

    private func conflict(_ what: String) -> WorkspaceError {
        WorkspaceError(.conflict, "There is \(what) of that name", detail: path.description)
    }

    /// The folder that the file was begun in must be the one that its path leads to now.
    private func checkParent() throws(WorkspaceError) {
        let moved = WorkspaceError(.conflict, "The folder was moved meanwhile; try again", detail: path.description)
        let now: OwnedFileDescriptor
        do throws(WorkspaceError) {
            now = try folder.parentFolder(of: path)
        } catch { throw error.kind == .noFile ? moved : error }
        let (here, one) = FileFacts.of(parent.number)
        let (there, other) = FileFacts.of(now.number)
        guard let here, let there else { throw ProjectFolder.fault("statx", path, min(one, other)) }
        guard here.device == there.device && here.inode == there.inode else { throw moved }
    }

    /// Nil where somebody else was quicker.
    private func place(_ condition: WritePrecondition, _ state: inout State) throws(WorkspaceError) -> WriteOutcome? {
        let (facts, result) = FileFacts.of(parent.number, name)
        if facts == nil && result != Int(-ENOENT) { throw ProjectFolder.fault("statx", path, result) }
        switch facts?.kind {
        case .file, nil: break
        case .link: throw .invalidPath("\(path): a link is not written through")
        case .folder: throw conflict("a folder")
        case .special: throw conflict("something that is no file")
        }
        guard condition.holds(facts) else { return .preconditionFailed }
        try finish(facts)
        guard facts == nil else {
            let from = try hiddenName(&state)
            let moved = from.withTerminator { from in
                name.withTerminator { name in Beneath.result { renameat(parent.number, from, parent.number, name) } }
            }
            guard moved >= 0 else { throw ProjectFolder.fault("renameat", path, moved) }
            state.temporary = nil
            return .replaced(tag: try tag())
        }
        let placed = name.withTerminator { name in
            guard let from = state.temporary else { return link(as: name) }
            return from.withTerminator { cs_move_name(parent.number, $0, parent.number, name) }
        }
        if placed == Int(-EEXIST) { return nil }
        guard placed >= 0 else { throw ProjectFolder.fault("linkat", path, placed) }
        state.temporary = nil
        return .created(tag: try tag())
    }

    /// Mode and owner, before anybody can see it.
    private func finish(_ older: FileFacts?) throws(WorkspaceError) {
        let executable = isExecutable ?? older?.isExecutable ?? false
        let mode = Beneath.result { fchmod(file.number, executable ? 0o755 : 0o644) }
        guard mode >= 0 else { throw ProjectFolder.fault("fchmod", path, mode) }
        guard let owner = folder.owner else { return }
        let given = Beneath.result { fchown(file.number, owner.uid, owner.gid) }
        guard given >= 0 else { throw ProjectFolder.fault("fchown", path, given) }
    }

    /// linkat(2) with AT_EMPTY_PATH is for root; the way over /proc is everybody's.
    private func link(as name: UnsafePointer<CChar>) -> Int {
        Beneath.result { linkat(AT_FDCWD, "/proc/self/fd/\(file.number)", parent.number, name, AT_SYMLINK_FOLLOW) }
    }

    /// A file without a name cannot replace one that has one: it gets a hidden one first.
    private func hiddenName(_ state: inout State) throws(WorkspaceError) -> OSString {
        if let name = state.temporary { return name }
        let name = Beneath.randomName(FileWriting.temporaryPrefix)
        let result = name.withTerminator { link(as: $0) }
        guard result >= 0 else { throw ProjectFolder.fault("linkat", path, result) }
        state.temporary = name
        return name
    }

    private func tag() throws(WorkspaceError) -> String {
        let (facts, result) = FileFacts.of(file.number)
        guard let facts else { throw ProjectFolder.fault("statx", path, result) }
        return facts.tag
    }

    private func takeAway(_ state: inout State) {
        if let name = state.temporary {
            _ = name.withTerminator { unlinkat(parent.number, $0, 0) }
            state.temporary = nil
        }
        folder.removeFolders(state.made)
        state.made = []
    }
}
