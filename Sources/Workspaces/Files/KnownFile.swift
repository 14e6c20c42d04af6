internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import Synchronization

/// A file that was read lately, open, and what to look at to see whether its path still leads to it.
///
/// The path has no link in it, and each folder on it is held open too. A folder's own times change with each name in it
/// (inode(7)): while they stand still the path leads where it led. The file's facts must be the same as well, so that one that
/// was closed to the server, or exchanged, is opened anew, and refused then. Of its bytes nothing is believed: they are read
/// each time, because a file that is mapped changes without a new time (mmap(2)).
final class KnownFile: Sendable {
    /// Longer ones are opened each time, which then costs little beside the reading.
    static let longest: UInt64 = 16 << 10
    /// Names of a path.
    private static let mostNames = 4
    /// What changed so shortly before it was looked at may change again without another time: the times of some file systems
    /// move by two seconds (FAT), of most by a tick of up to 10 ms.
    static let settled_ns: Int64 = 2_000_000_000

    let path: OSString
    let file: OpenedFile
    /// The project's folder, as it was.
    private let root: FileFacts
    /// Those on the way, from the project's folder on.
    private let folders: [FolderWalk.HeldFolder]
    private let place: HeldDescriptors.Place

    /// Nil for what a look cannot vouch for: a link on the way, folders or a file that changed just now, a path of many names;
    /// and where there is no room.
    ///
    /// - Parameters:
    ///   - path: that leads to the file.
    ///   - file: opened through it.
    ///   - folder: the project's.
    ///   - now_ns: the clock of files' times, before the file was opened.
    init?(_ path: OSString, _ file: OpenedFile, in folder: ProjectFolder, now_ns: Int64) {
        let names = path.components
        guard file.size <= KnownFile.longest, file.facts.isSettled(KnownFile.settled_ns, now_ns),
            names.count <= KnownFile.mostNames, let name = names.last,
            let place = HeldDescriptors.files.take(names.count), let root = FileFacts.of(folder.number).facts
        else { return nil }
        var folders: [FolderWalk.HeldFolder] = []
        for name in names.dropLast() {
            let last = folders.last?.descriptor.number ?? folder.number
            let number = Beneath.open(name, below: last, Beneath.folderHandle, Beneath.withoutLinks)
            guard number >= 0 else { return nil }
            let descriptor = OwnedFileDescriptor(owning: Int32(number))
            guard let facts = FileFacts.of(descriptor.number).facts else { return nil }
            folders.append(FolderWalk.HeldFolder(descriptor, facts))
        }
        // Behind the facts of the folders: what changes a name from here on changes them.
        let found = FileFacts.of(folders.last?.descriptor.number ?? folder.number, name).facts
        guard let found, found == file.facts, found.kind == .file else { return nil }
        let around = [root] + folders.map(\.facts)
        guard around.allSatisfy({ $0.isSettled(KnownFile.settled_ns, now_ns) }) else { return nil }
        self.path = path
        self.file = file
        self.root = root
        self.folders = folders
        self.place = place
    }

    /// Whether the path still leads to the file, and the file is as it was.
    func holds(in folder: ProjectFolder) -> Bool {
        guard root.isSame(folder.number) else { return false }
        for folder in folders {
            guard folder.facts.isSame(folder.descriptor.number) else { return false }
        }
        return file.facts.isSame(file.file.number)
    }
}

/// The files of one project's folder that were read lately.
///
/// The second reading of a path makes it known: who reads all files once costs nothing more. Safe from any thread.
final class KnownFiles: Sendable {
    /// The oldest goes for a new one.
    private static let most = 8

    private struct State {
        var files: [KnownFile] = []
        /// Paths that were asked for lately, and are not known.
        var asked: [OSString] = []
    }

    private let state = Mutex(State())

    /// The file if it is known, and its path still leads to it.
    func file(_ path: OSString, in folder: ProjectFolder) -> OpenedFile? {
        guard let known = state.withLock({ $0.files.first { $0.path == path } }) else { return nil }
        if known.holds(in: folder) { return known.file }
        // What goes ends outside of the lock: it closes descriptors.
        _ = state.withLock { state -> KnownFile? in
            guard let index = state.files.firstIndex(where: { $0 === known }) else { return nil }
            return state.files.remove(at: index)
        }
        return nil
    }

    /// Whether the path was asked for lately; from now on it was.
    func isAskedAgain(_ path: OSString) -> Bool {
        state.withLock { state in
            if state.asked.contains(path) { return true }
            if state.asked.count >= KnownFiles.most { state.asked.removeFirst() }
            state.asked.append(path)
            return false
        }
    }

    /// Lets go what does not hold any more: a file that is removed keeps its space for as long as somebody has it open.
    func letGoStale(in folder: ProjectFolder) {
        let stale = state.withLock { $0.files }.filter { !$0.holds(in: folder) }
        if stale.isEmpty { return }
        state.withLock { state in state.files.removeAll { file in stale.contains { $0 === file } } }
    }

    func keep(_ file: KnownFile) {
        _ = state.withLock { state -> KnownFile? in
            guard !state.files.contains(where: { $0.path == file.path }) else { return nil }
            state.asked.removeAll { $0 == file.path }
            let gone = state.files.count >= KnownFiles.most ? state.files.removeFirst() : nil
            state.files.append(file)
            return gone
        }
    }
}
