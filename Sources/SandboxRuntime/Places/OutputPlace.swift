internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Where a file lies that the caller named for us to write: `--result`, `--evidence`.
///
/// It is opened before anything is planned, and left as it was found until the plan shows that the job cannot reach it. No
/// link is followed on the way, since an earlier job may have put one there; for the same reason it must be a regular file
/// with one name. A file that was made here is removed again unless it is kept.
struct OutputPlace: ~Copyable {
    /// As it was named.
    let path: OSString
    /// `--result`.
    let option: String
    private let folder: OwnedFileDescriptor
    private let name: OSString
    private let device: UInt64
    private let inode: UInt64
    private let isNew: Bool
    private var isKept = false

    private init(
        path: OSString,
        option: String,
        folder: consuming OwnedFileDescriptor,
        name: OSString,
        found: cs_identity,
        isNew: Bool
    ) {
        self.path = path
        self.option = option
        self.folder = folder
        self.name = name
        device = found.device
        inode = found.inode
        self.isNew = isNew
    }

    deinit {
        guard isNew && !isKept, OutputPlace.identity(name, in: folder.number, device, inode) != nil else { return }
        _ = name.withCString { unlinkat(folder.number, $0, 0) }
    }

    /// Opens the file, or makes it with mode 0600; nothing in it is touched.
    ///
    /// - Parameters:
    ///   - path: relative to the current folder, or absolute.
    ///   - option: for the message.
    ///   - access: O_WRONLY or O_RDWR, and O_APPEND.
    /// - Returns: the place, and the open file.
    /// - Throws: `EvidenceError` when it is no file of the caller's own to write.
    static func open(
        _ path: OSString,
        option: String,
        access: Int32
    ) throws(EvidenceError) -> Opened {
        let folder: OwnedFileDescriptor
        do throws(SyscallError) {
            folder = try FileReading.folder(path.containsSlash ? path.parent : ".", followingLinks: false)
        } catch { throw failure(path, option, error.call, error.errno) }
        let name = path.lastComponent
        guard !name.isEmpty, name != ".", name != ".." else { throw failure(path, option, "openat2", EISDIR) }
        let (number, isNew) = try openFile(name, in: folder.number, path, option, access)
        let file = OwnedFileDescriptor(owning: number)
        var found = cs_identity()
        let result = cs_identify(file.number, "", &found)
        guard result == 0 else { throw failure(path, option, "statx", Int32(-result)) }
        // From here on what was made goes with the value.
        let place = OutputPlace(path: path, option: option, folder: folder, name: name, found: found, isNew: isNew)
        guard found.mode & S_IFMT == S_IFREG else {
            throw place.refused("it is no regular file", OutputPlace.anotherFile(option))
        }
        guard found.links == 1 else {
            throw place.refused(
                "it has \(found.links) names (hard links), and what is written would stand under all of them",
                OutputPlace.anotherFile(option)
            )
        }
        return Opened(place: place, file: file)
    }

    struct Opened: ~Copyable {
        var place: OutputPlace
        var file: OwnedFileDescriptor
    }

    /// Settles that the file stays, when the job cannot reach it.
    ///
    /// - Parameters:
    ///   - writable: folders and files that the job may write.
    ///   - own: folders in which this program keeps what is its own.
    /// - Throws: `EvidenceError` when the file lies in one of them, or is not under its name any more.
    mutating func keep(outside writable: [OSString], own: [OSString]) throws(EvidenceError) {
        let real: OSString
        do throws(SyscallError) {
            real = try FileReading.path(of: folder.number).appending(name)
        } catch { throw OutputPlace.failure(path, option, error.call, error.errno) }
        if let root = writable.first(where: { real.isWithin($0) }) {
            throw refused(
                "the job may write to \(root), and could change it or put a link in its place",
                "name a file outside of what the job may write"
                    + (option == "--result" ? ", or an open descriptor: --result 3 3>FILE" : "")
            )
        }
        if let folder = own.first(where: { real.isWithin($0) }) {
            throw refused(
                "it lies in \(folder), where codex-sandbox keeps its records, policies and compiled policies",
                OutputPlace.anotherFile(option)
            )
        }
        guard let found = OutputPlace.identity(name, in: folder.number, device, inode), found.links == 1 else {
            throw refused("somebody put another file in its place meanwhile", OutputPlace.anotherFile(option))
        }
        isKept = true
    }

    /// Whether an open file is this very one.
    borrowing func isSame(as descriptor: Int32) -> Bool {
        var found = cs_identity()
        return cs_identify(descriptor, "", &found) == 0 && found.device == device && found.inode == inode
    }

    /// The file stays whatever comes: something was written to it.
    mutating func keep() {
        isKept = true
    }

    /// Opened if it is there, else made: never both, so that what was made is known.
    private static func openFile(
        _ name: OSString,
        in folder: Int32,
        _ path: OSString,
        _ option: String,
        _ access: Int32
    ) throws(EvidenceError) -> (number: Int32, isNew: Bool) {
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        // O_NONBLOCK: a FIFO of this name must not hold the launch up; on a regular file it means nothing.
        let flags = UInt64(access | O_NONBLOCK | O_NOCTTY) | UInt64(CS_O_NOFOLLOW)
        var last = -Int(ENOENT)
        // Whoever makes and removes the name between two calls can be met twice, not for ever.
        for _ in 0..<3 {
            last = name.withCString { cs_openat2(folder, $0, flags, 0, resolve) }
            if last >= 0 { return (Int32(last), false) }
            guard last == -Int(ENOENT) else { break }
            last = name.withCString { cs_openat2(folder, $0, flags | UInt64(O_CREAT | O_EXCL), 0o600, resolve) }
            if last >= 0 { return (Int32(last), true) }
            guard last == -Int(EEXIST) else { break }
        }
        throw failure(path, option, "openat2", Int32(-last))
    }

    /// What stands under the name, if it is still the same file.
    private static func identity(
        _ name: OSString,
        in folder: Int32,
        _ device: UInt64,
        _ inode: UInt64
    ) -> cs_identity? {
        var found = cs_identity()
        let result = name.withCString { cs_identify(folder, $0, &found) }
        return result == 0 && found.device == device && found.inode == inode ? found : nil
    }

    private borrowing func refused(_ cause: String, _ remedy: String) -> EvidenceError {
        EvidenceError(action: "use \(option)", subject: path, cause: cause, remedy: remedy)
    }

    private static func anotherFile(_ option: String) -> String { "name another file with \(option) FILE" }

    private static func failure(_ path: OSString, _ option: String, _ call: String, _ code: Int32) -> EvidenceError {
        var cause = ""
        var remedy = "name a file that you may write with \(option) FILE"
        if code == ELOOP {
            cause = "the way there leads through a symbolic link"
            remedy = "name the real path"
            if path.isWithin("/dev") || path.isWithin("/proc") {
                remedy = option == "--result" ? "give the descriptor's number: --result N" : anotherFile(option)
            }
        }
        if code == ENXIO { cause = "it is no regular file" }
        return EvidenceError(
            action: "use \(option)",
            subject: path,
            call: call,
            errno: code,
            cause: cause,
            remedy: remedy
        )
    }
}
