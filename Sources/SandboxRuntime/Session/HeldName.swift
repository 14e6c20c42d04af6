internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The name of a running job, which no other running job of the user has.
///
/// A file of that name, locked (flock(2)) until `end`, or as long as this process is there: a killed one holds nothing. The
/// file is empty, and `status` reads no name from it.
final class HeldName {
    private let file: OwnedFileDescriptor
    private let path: OSString

    private init(file: consuming OwnedFileDescriptor, path: OSString) {
        self.file = file
        self.path = path
    }

    /// Gives the name back; also what keeps the value alive up to here.
    func end() {
        // While it is still locked: whoever has opened it meanwhile sees that it is gone, and makes another.
        if HeldName.isAt(path, file.number) { _ = path.withBytes { unlink($0) } }
    }

    /// Below `$XDG_RUNTIME_DIR/codex-sandbox/`, else below the state folder.
    ///
    /// - Parameters:
    ///   - name: the job's.
    ///   - options: for the environment.
    ///   - state: the state folder.
    /// - Returns: the name, held until its `end`.
    /// - Throws: `Refusal` when a running job has the name, or no file for it can be had.
    static func take(_ name: JobName, _ options: LaunchOptions, state: OSString) throws(Refusal) -> HeldName {
        let folder = HeldName.folder(options, state: state)
        for made in [folder.parent, folder] { try make(made) }
        removeDead(folder)
        let path = folder.appending(OSString(name.text))
        // Another launch may look just now whether the file is a dead one's, and hold it for that long.
        var attempts = 0
        while true {
            if let held = try lock(path) { return held }
            attempts += 1
            if attempts >= 50 { throw taken(name) }
            var pause = timespec(tv_sec: 0, tv_nsec: 1_000_000)
            _ = nanosleep(&pause, nil)
        }
    }

    /// Takes away the files of jobs that were killed, which nobody holds; what cannot be looked at stays.
    private static func removeDead(_ folder: OSString) {
        var names: [OSString] = []
        do throws(SyscallError) {
            let list = try FileReading.open(folder)
            try FolderEntries.each(in: list.number, named: folder) { (entry) throws(SyscallError) in
                names.append(entry.copy)
                return true
            }
        } catch { return }
        for name in names where name.utf8.flatMap({ JobName($0) }) != nil {
            let path = folder.appending(name)
            let number = path.withBytes { open($0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) }
            if number < 0 { continue }
            let file = OwnedFileDescriptor(owning: number)
            var found = stat()
            guard fstat(file.number, &found) == 0, found.st_mode & S_IFMT == S_IFREG, found.st_uid == geteuid(),
                found.st_size == 0
            else { continue }
            if flock(file.number, LOCK_EX | LOCK_NB) == 0, isAt(path, file.number) {
                _ = path.withBytes { unlink($0) }
            }
        }
    }

    private static func folder(_ options: LaunchOptions, state: OSString) -> OSString {
        if let runtime = options.variable("XDG_RUNTIME_DIR"), runtime.isAbsolute, let path = runtime.normalised,
            isOurs(path)
        {
            return path.appending("codex-sandbox").appending("names")
        }
        return state.appending("names")
    }

    /// As the XDG specification wants it: root with another user's variable would work in that one's folder.
    private static func isOurs(_ runtime: OSString) -> Bool {
        var found = stat()
        return runtime.withBytes { lstat($0, &found) } == 0 && found.st_mode & S_IFMT == S_IFDIR
            && found.st_uid == geteuid() && found.st_mode & 0o022 == 0
    }

    private static func make(_ folder: OSString) throws(Refusal) {
        let result = folder.withBytes { mkdir($0, 0o700) }
        let code = errno
        if result != 0 && code != EEXIST { throw refusal("mkdir", folder, code) }
        var found = stat()
        let looked = folder.withBytes { lstat($0, &found) }
        let lookCode = errno
        if looked != 0 { throw refusal("lstat", folder, lookCode) }
        guard found.st_mode & S_IFMT == S_IFDIR, found.st_uid == geteuid(), found.st_mode & 0o022 == 0 else {
            throw refusal("lstat", folder, EPERM)
        }
    }

    /// Nil when somebody holds it, or it was taken away while it was being opened.
    private static func lock(_ path: OSString) throws(Refusal) -> HeldName? {
        let number = path.withBytes { open($0, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600) }
        let code = errno
        if number < 0 { throw refusal("open", path, code) }
        let file = OwnedFileDescriptor(owning: number)
        let result = flock(file.number, LOCK_EX | LOCK_NB)
        let lockCode = errno
        if result != 0 {
            if lockCode == EWOULDBLOCK || lockCode == EINTR { return nil }
            throw refusal("flock", path, lockCode)
        }
        guard isAt(path, file.number) else { return nil }
        return HeldName(file: file, path: path)
    }

    /// Whether the path still leads to the open file.
    private static func isAt(_ path: OSString, _ file: Int32) -> Bool {
        var ours = stat()
        var there = stat()
        return fstat(file, &ours) == 0 && path.withBytes({ lstat($0, &there) }) == 0
            && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino
    }

    private static func taken(_ name: JobName) -> Refusal {
        Refusal(
            stage: "plan",
            subject: name.text,
            message: "a job with the name \(name) is running already",
            remedy: "choose another name, or end that job; codex-sandbox status lists what runs"
        )
    }

    private static func refusal(_ call: String, _ path: OSString, _ errno: Int32) -> Refusal {
        Refusal(
            stage: "plan",
            step: call,
            subject: path.description,
            errno: errno,
            message: "the job's name cannot be held, so that another could take it",
            remedy: "see who made that path, or run without --name"
        )
    }
}

extension OSString {
    /// With the NUL that the C library wants.
    fileprivate func withBytes<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        let text = bytes.map { CChar(bitPattern: $0) } + [0]
        return text.withUnsafeBufferPointer { buffer in
            // swift-format-ignore: NeverForceUnwrap
            body(buffer.baseAddress!)  // never empty: there is the NUL
        }
    }
}
