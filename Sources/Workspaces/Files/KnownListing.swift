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
    /// A file of the listing: numbers alone, because two threads that counted references to the same objects would wait for
    /// each other.
    private struct File {
        /// The file's own, which is looked at in a third of the time that its name takes; else that of its folder.
        var descriptor: Int32
        var size: UInt64
        var modified_ns: Int64
    }

    private struct Folder {
        var descriptor: Int32
        var facts: FileFacts
    }

    private final class OwnedFile: Sendable {
        let descriptor: OwnedFileDescriptor

        /// Opens a name to look at it, behind the reading of its folder; nil for a link, and for one that is gone.
        init?(_ name: [CChar], in folder: Int32) {
            let name = OSString(name.dropLast().map { UInt8(bitPattern: $0) })
            let number = Beneath.open(name, below: folder, Beneath.handle, Beneath.withoutLinks)
            guard number >= 0 else { return nil }
            descriptor = OwnedFileDescriptor(owning: Int32(number))
        }
    }

    /// Larger ones are made anew each time.
    static let mostFolders = 16
    private static let mostFiles = 256
    /// A folder that changed so shortly before it was read may have changed again without another time: the kernel's clock
    /// for them moves by a tick of up to 10 ms.
    private static let settled_ns: Int64 = 50_000_000
    /// Files of a longer listing are looked at by their names.
    private static let mostHeldFiles = 16

    /// What was made of the listing.
    let value: any Sendable
    private let folders: [Folder]
    private let files: [File]
    /// Of the files, in their folders, with a NUL behind each; empty where the files themselves are held.
    private let names: [[CChar]]
    /// What the descriptors belong to.
    private let owners: (folders: [FolderWalk.HeldFolder], files: [OwnedFile])
    /// When to make it once more, with its files held: then the folders' times vouch for the names in them on every file system.
    private let anew_ns: Int64?
    private let places: [HeldDescriptors.Place]

    /// Nil for what a look cannot vouch for: links, closed or fresh folders, too many of them.
    init?(_ walk: borrowing FolderWalk, begun_ns: Int64, value: any Sendable) {
        guard let held = walk.held, walk.closed.isEmpty, walk.tooDeep.isEmpty, !walk.isCut else { return nil }
        guard walk.entries.count <= KnownListing.mostFiles else { return nil }
        guard held.allSatisfy({ $0.facts.isSettled(KnownListing.settled_ns, begun_ns) }) else { return nil }
        var files: [File] = []
        var names: [[CChar]] = []
        files.reserveCapacity(walk.entries.count)
        names.reserveCapacity(walk.entries.count)
        for entry in walk.entries {
            switch entry.facts.kind {
            case .folder, .special: continue
            case .link: return nil
            case .file:
                let name = entry.path.bytes.suffix(from: entry.nameStart)
                names.append(name.map { CChar(bitPattern: $0) } + [0])
                files.append(
                    File(
                        descriptor: held[entry.folder].descriptor.number,
                        size: entry.facts.size,
                        modified_ns: entry.facts.modified_ns
                    )
                )
            }
        }
        guard let place = HeldDescriptors.listings.take(held.count) else { return nil }
        var places = [place]
        var owned: [OwnedFile] = []
        if files.count > KnownListing.mostHeldFiles {
            anew_ns = nil
        } else if !held.allSatisfy({ $0.facts.isSettled(KnownFile.settled_ns, begun_ns) }) {
            anew_ns = begun_ns &+ KnownFile.settled_ns
        } else {
            anew_ns = nil
            if let room = HeldDescriptors.files.take(files.count) {
                places.append(room)
                for index in files.indices {
                    guard let file = OwnedFile(names[index], in: files[index].descriptor) else { return nil }
                    owned.append(file)
                    files[index].descriptor = file.descriptor.number
                }
                names = []
            }
        }
        self.value = value
        self.files = files
        self.names = names
        self.places = places
        owners = (held, owned)
        folders = held.map { Folder(descriptor: $0.descriptor.number, facts: $0.facts) }
    }

    /// Whether files are looked at without their names.
    var holdsFiles: Bool { !owners.files.isEmpty }

    /// Whether it is not time to make it once more.
    func isWorthKeeping(_ now_ns: Int64) -> Bool { anew_ns.map { now_ns < $0 } ?? true }

    /// Whether the folders have the same names, and the files the same lengths and times.
    func holds() -> Bool {
        var found = cs_identity()
        for index in folders.indices {
            guard cs_identify(folders[index].descriptor, "", &found) == 0, folders[index].facts == FileFacts(found)
            else {
                return false
            }
        }
        for index in files.indices {
            let file = files[index]
            let result =
                names.isEmpty
                ? cs_identify(file.descriptor, "", &found)
                : names[index].withUnsafeBufferPointer { cs_identify(file.descriptor, $0.baseAddress, &found) }
            guard result == 0, found.mode & S_IFMT == S_IFREG, found.size == file.size,
                found.modified_ns == file.modified_ns
            else { return false }
        }
        return true
    }
}
