internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import Synchronization

/// A project's folder as a tar archive, made piece by piece while it is read.
///
/// Regular files, folders and links whose words stay inside, in the order of their paths' bytes, all as if root's. What is not in it —
/// other links, FIFOs, sockets, devices, what cannot be read or has vanished — is named in a last file,
/// `.codex-sandbox-omitted`, one line each; without such things there is none. A file that shrinks while it is read is filled up
/// with zeros, of one that grows the rest is left out. No more is held than the list of what there is, and one piece.
public final class ArchiveReader: Sendable {
    private struct State {
        var rest: ArraySlice<FolderWalk.Entry>
        /// Headers and padding that are still to be given out.
        var pending: ArraySlice<UInt8> = []
        var file: OpenedFile?
        var offset: UInt64 = 0
        var omitted: [String] = []
        var omittedCount = 0
        var isOver = false
    }

    public static let listName = ".codex-sandbox-omitted"
    private static let mostLines = 1000

    private let folder: ProjectFolder
    private let state: Mutex<State>

    init(_ folder: ProjectFolder, _ bounds: FolderWalk.Bounds) throws(WorkspaceError) {
        let walk = try FolderWalk(folder.number, bounds)
        self.folder = folder
        var state = State(rest: walk.entries[...])
        for path in walk.closed { ArchiveReader.omit(path, "a folder whose mode forbids listing it", &state) }
        for path in walk.tooDeep { ArchiveReader.omit(path, "a folder deeper than is looked at", &state) }
        if walk.isCut { ArchiveReader.omit("", "there is more than is looked at", &state) }
        self.state = Mutex(state)
    }

    /// The next bytes.
    ///
    /// - Parameter max: at most so many, and at least one.
    /// - Returns: empty at the end.
    /// - Throws: `.unavailable` without descriptors, memory or disk; the archive cannot be gone on with then.
    public func next(max: Int) throws(WorkspaceError) -> [UInt8] {
        try state.withLock { (state) throws(WorkspaceError) in
            var bytes: [UInt8] = []
            while bytes.count < Swift.max(max, 1) {
                let room = Swift.max(max, 1) - bytes.count
                if !state.pending.isEmpty {
                    bytes += state.pending.prefix(room)
                    state.pending = state.pending.dropFirst(room)
                } else if let file = state.file {
                    try read(file, room, &bytes, &state)
                } else if let entry = state.rest.popFirst() {
                    try begin(entry, &state)
                } else if !state.isOver {
                    state.isOver = true
                    state.pending = ArchiveReader.ending(state)[...]
                } else {
                    break
                }
            }
            return bytes
        }
    }

    // MARK: - Members

    private func read(
        _ file: OpenedFile,
        _ room: Int,
        _ bytes: inout [UInt8],
        _ state: inout State
    ) throws(WorkspaceError) {
        let rest = file.size - state.offset
        let count = Int(min(UInt64(room), rest, 1 << 20))
        if count > 0 {
            var piece = try file.read(at: state.offset, count: count)
            if piece.count < count { piece += [UInt8](repeating: 0, count: count - piece.count) }
            bytes += piece
            state.offset += UInt64(count)
        }
        if state.offset == file.size {
            state.pending = TarHeader.padding(file.size)[...]
            state.file = nil
            state.offset = 0
        }
    }

    private func begin(_ entry: FolderWalk.Entry, _ state: inout State) throws(WorkspaceError) {
        let path = entry.path
        if path == OSString(ArchiveReader.listName) || path.isWithin(OSString(ArchiveReader.listName)) {
            return ArchiveReader.omit(path, "the name of this list", &state)
        }
        switch entry.facts.kind {
        case .special: ArchiveReader.omit(path, "neither file, folder nor link", &state)
        case .folder: add(.folder, path, entry.facts, "", &state)
        case .link: try begin(link: path, entry.facts, &state)
        case .file:
            do throws(WorkspaceError) {
                let file = try folder.open(path, Beneath.withoutLinks)
                let header = TarHeader(
                    kind: .file,
                    path: path,
                    mode: file.facts.mode,
                    size: file.size,
                    modified_ns: file.modified_ns
                )
                state.pending = header.bytes[...]
                state.file = file
            } catch { try ArchiveReader.omit(path, error, &state) }
        }
    }

    private func begin(link path: OSString, _ facts: FileFacts, _ state: inout State) throws(WorkspaceError) {
        guard let target = try folder.target(ofLink: path) else {
            return ArchiveReader.omit(path, "vanished or exchanged", &state)
        }
        guard LinkTarget.staysInside(target, at: path) else {
            return ArchiveReader.omit(path, "a link that leads out", &state)
        }
        // By its words: a worker can make links that take the kernel long to follow, and who unpacks them has other ones around.
        add(.link, path, facts, target, &state)
    }

    private func add(
        _ kind: TarHeader.Kind,
        _ path: OSString,
        _ facts: FileFacts,
        _ target: OSString,
        _ state: inout State
    ) {
        let mode = kind == .link ? 0o777 : facts.mode
        let header = TarHeader(kind: kind, path: path, mode: mode, modified_ns: facts.modified_ns, target: target)
        state.pending = header.bytes[...]
    }

    // MARK: - What is left out

    private static func omit(_ path: OSString, _ error: WorkspaceError, _ state: inout State) throws(WorkspaceError) {
        switch error.kind {
        case .noFile: omit(path, "vanished, exchanged or not readable", &state)
        case .invalidPath: omit(path, "a link that leads out", &state)
        case .conflict: omit(path, "changed while it was read", &state)
        case .noProject, .noJob, .unknownPolicy, .tooMuch, .noPage, .unavailable, .fault: throw error
        }
    }

    private static func omit(_ path: OSString, _ reason: String, _ state: inout State) {
        state.omittedCount += 1
        if state.omitted.count < mostLines {
            state.omitted.append("\(path.isEmpty ? "." : path.description): \(reason)\n")
        }
    }

    /// The list of what was left out, and two blocks of zeros.
    private static func ending(_ state: State) -> [UInt8] {
        let end = [UInt8](repeating: 0, count: 2 * TarHeader.blockSize)
        guard state.omittedCount > 0 else { return end }
        var text = state.omitted.joined()
        if state.omittedCount > mostLines { text += "and \(state.omittedCount - mostLines) more\n" }
        let bytes = Array(text.utf8)
        var header = TarHeader(kind: .file, path: OSString(listName), mode: 0o644, modified_ns: 0)
        header.size = UInt64(bytes.count)
        return header.bytes + bytes + TarHeader.padding(header.size) + end
    }
}

extension ProjectFolder {
    /// The folder as a tar archive; the list of what is in it is made now, the contents are read later.
    public func archive() throws(WorkspaceError) -> ArchiveReader {
        try ArchiveReader(self, FolderWalk.Bounds())
    }
}
