internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The folder of one launch in the profile `landlock-only`: HOME and TMPDIR of the job, and what only Landlock keeps from it.
///
/// In the host's /tmp, with a name that nobody can guess and a mode that no other program gives; locked (flock(2)) as long as the launcher
/// is there, so that the next launch can tell what a killed one has left (`AbandonedScratch`).
struct ScratchFolder: ~Copyable {
    let path: OSString
    /// Holds the lock; the keeper and the job have no copy of it, and the job may not open the folder itself.
    private let lock: OwnedFileDescriptor
    private var isOver = false

    /// Makes the folder and its parts.
    ///
    /// - Throws: `Refusal` where it cannot be made; nothing is left then.
    static func make() throws(Refusal) -> ScratchFolder {
        AbandonedScratch.remove(of: geteuid())
        let path = try new()
        let number = ScratchRemoval.open(path)
        guard number >= 0 else {
            let code = Glibc.errno
            _ = path.withPointer { rmdir($0) }
            throw refusal("open", path, code)
        }
        // From here on it is removed whatever becomes of the rest.
        let made = ScratchFolder(path: path, lock: OwnedFileDescriptor(owning: number))
        try made.take()
        try write([], to: path.appending(LandlockOnlyNames.mark), mode: 0o600)
        for name in ["home", "tmp", "probe", "probe/empty"] as [OSString] {
            let folder = path.appending(name)
            if folder.withPointer({ mkdir($0, 0o700) }) != 0 { throw refusal("mkdir", folder, Glibc.errno) }
        }
        try write([], to: path.appending("probe/probe"), mode: 0o700)
        return made
    }

    /// Makes the folder, with its mode in the same call: there is no moment at which a killed launcher leaves one that nobody knows.
    private static func new() throws(Refusal) -> OSString {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
        var random = [UInt8](repeating: 0, count: 8 * LandlockOnlyNames.randomCount)
        for _ in 0..<100 {
            let result = random.withUnsafeMutableBytes { cs_getrandom($0.baseAddress, $0.count) }
            guard result == random.count else { throw refusal("getrandom", "/tmp", result < 0 ? Int32(-result) : EIO) }
            let name = stride(from: 0, to: random.count, by: 8).map { first in
                letters[
                    Int(random[first..<first + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } % UInt64(letters.count))
                ]
            }
            let path = OSString("/tmp").appending(OSString(LandlockOnlyNames.prefix + name))
            if path.withPointer({ mkdir($0, LandlockOnlyNames.mode) }) == 0 { return path }
            let code = Glibc.errno
            guard code == EEXIST else { throw refusal("mkdir", path, code) }
        }
        throw refusal("mkdir", "/tmp", EEXIST)
    }

    private init(path: OSString, lock: consuming OwnedFileDescriptor) {
        self.path = path
        self.lock = lock
    }

    deinit {
        if isOver { return }
        var time = RemovalTime(ScratchRemoval.ownTime)
        _ = ScratchRemoval.remove(lock.number, path, &time)
    }

    /// Another launch may just look whether the new folder is an abandoned one: it leaves it.
    private borrowing func take() throws(Refusal) {
        var code: Int32 = 0
        for _ in 0..<100 {
            if flock(lock.number, LOCK_EX | LOCK_NB) == 0 { return }
            code = Glibc.errno
            if code != EWOULDBLOCK && code != EINTR { break }
            usleep(1000)
        }
        throw ScratchFolder.refusal("flock", path, code)
    }

    /// Writes what the plan has for it.
    func write(_ weaker: LandlockOnlyProfile) throws(Refusal) {
        try ScratchFolder.write(weaker.gitSettings, to: weaker.gitFile, mode: 0o400)
    }

    /// Removes everything; the job must be gone.
    ///
    /// - Returns: what a person should know; nil when nothing is left.
    mutating func end() -> String? {
        if isOver { return nil }
        isOver = true
        var time = RemovalTime(ScratchRemoval.ownTime)
        if ScratchRemoval.remove(lock.number, path, &time) { return nil }
        if time.isOver {
            return
                "\(path), the folder of the launch, is not removed yet: the next launch of this profile goes on with it"
        }
        return "\(path), the folder of the launch, could not be removed: look, and remove it"
    }

    // MARK: -

    private static func write(_ bytes: [UInt8], to path: OSString, mode: mode_t) throws(Refusal) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | Int32(CS_O_CLOEXEC) | Int32(CS_O_NOFOLLOW)
        let number = path.withPointer { Glibc.open($0, flags, mode) }
        guard number >= 0 else { throw refusal("open", path, Glibc.errno) }
        let file = OwnedFileDescriptor(owning: number)
        let written = Glibc.write(file.number, bytes, bytes.count)
        let code = Glibc.errno
        guard written == bytes.count else { throw refusal("write", path, written < 0 ? code : ENOSPC) }
    }

    private static func refusal(_ call: String, _ path: OSString, _ code: Int32) -> Refusal {
        Refusal(
            stage: "place",
            step: call,
            subject: path.description,
            errno: code,
            message: "the folder of the launch, for HOME and TMPDIR of the job, could not be made",
            remedy: "see that you may write to /tmp, and that it has room",
            layer: .landlock
        )
    }
}

enum LandlockOnlyNames {
    /// Begins its name (`LandlockOnlyPlanner.scratchExample`); so many letters and digits come behind.
    static let prefix = Array("codex-sandbox-".utf8)
    static let randomCount = 6
    /// The caller's alone, and sticky (mkdir(2)), which changes nothing for a folder that only its owner may enter: mktemp(1) and people do not give it.
    static let mode: mode_t = 0o1700
    /// In each folder, as long as it has anything else in it: made first, removed last.
    static let mark: OSString = ".codex-sandbox-launch"
    /// What a launch puts into it.
    static let parts: [OSString] = [mark, "home", "tmp", "probe", "gitconfig"]
}
