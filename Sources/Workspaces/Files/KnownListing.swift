internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import Synchronization

/// A listing, and what to look at to see whether it still holds: a fraction of what making it costs.
///
/// A folder's own times change with each name in it (inode(7)); so do a file's length and time with its contents. The
/// folders are held open, so that what is compared is what was read, whatever their paths lead to now.
final class KnownListing: Sendable {
    /// A file of the listing, below one of the folders.
    private struct File {
        var folder: Int
        /// With its NUL.
        var name: [CChar]
        var size: UInt64
        var modified_ns: Int64
    }

    /// Larger ones are made anew each time.
    static let mostFolders = 16
    private static let mostFiles = 256
    /// A folder that changed so shortly before it was read may have changed again without another time: the kernel's clock
    /// for them moves by a tick of up to 10 ms.
    private static let settled_ns: Int64 = 50_000_000
    /// Of all listings in this process.
    private static let mostDescriptors = 256
    private static let descriptors = Mutex(0)

    /// What was made of the listing.
    let value: any Sendable
    private let folders: [FolderWalk.HeldFolder]
    private let files: [File]

    /// Nil for what a look cannot vouch for: links, closed or fresh folders, too many of them.
    init?(_ walk: borrowing FolderWalk, begun_ns: Int64, value: any Sendable) {
        guard let held = walk.held, walk.closed.isEmpty, walk.tooDeep.isEmpty, !walk.isCut else { return nil }
        guard walk.entries.count <= KnownListing.mostFiles else { return nil }
        let isSettled = held.allSatisfy { folder in
            max(folder.facts.modified_ns, folder.facts.changed_ns) < begun_ns - KnownListing.settled_ns
        }
        guard isSettled else { return nil }
        var files: [File] = []
        files.reserveCapacity(walk.entries.count)
        for entry in walk.entries {
            switch entry.facts.kind {
            case .folder, .special: continue
            case .link: return nil
            case .file:
                let name = entry.path.bytes.suffix(from: entry.nameStart)
                let facts = entry.facts
                files.append(
                    File(
                        folder: entry.folder,
                        name: name.map { CChar(bitPattern: $0) } + [0],
                        size: facts.size,
                        modified_ns: facts.modified_ns
                    )
                )
            }
        }
        let isRoom = KnownListing.descriptors.withLock { count in
            guard count + held.count <= KnownListing.mostDescriptors else { return false }
            count += held.count
            return true
        }
        guard isRoom else { return nil }
        self.value = value
        self.files = files
        folders = held
    }

    deinit {
        let count = folders.count
        KnownListing.descriptors.withLock { $0 -= count }
    }

    /// Whether the folders have the same names, and the files the same lengths and times.
    func holds() -> Bool {
        var found = cs_identity()
        for folder in folders {
            guard cs_identify(folder.descriptor.number, "", &found) == 0, folder.facts == FileFacts(found) else {
                return false
            }
        }
        for file in files {
            let number = folders[file.folder].descriptor.number
            guard cs_identify(number, file.name, &found) == 0, found.mode & S_IFMT == S_IFREG, found.size == file.size,
                found.modified_ns == file.modified_ns
            else { return false }
        }
        return true
    }
}
