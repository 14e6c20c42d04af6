internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The folder of one launch in the profile `landlock-only`: HOME and TMPDIR of the job, and what only Landlock keeps from it.
///
/// In the host's /tmp, mode 0700, with a name that nobody can guess (mkdtemp(3)).
struct ScratchFolder: ~Copyable {
    let path: OSString
    private var isOver = false

    /// Makes the folder and its parts.
    ///
    /// - Throws: `Refusal` where it cannot be made; nothing is left then.
    static func make() throws(Refusal) -> ScratchFolder {
        let template = LandlockOnlyNames.template
        var text = template.bytes.map { CChar(bitPattern: $0) } + [0]
        guard mkdtemp(&text) != nil else { throw refusal("mkdtemp", template, Glibc.errno) }
        // From here on it is removed whatever becomes of the rest.
        let made = ScratchFolder(path: OSString(text.dropLast().map { UInt8(bitPattern: $0) }))
        for name in ["home", "tmp", "probe", "probe/empty"] as [OSString] {
            let folder = made.path.appending(name)
            if folder.withPointer({ mkdir($0, 0o700) }) != 0 { throw refusal("mkdir", folder, Glibc.errno) }
        }
        try write([], to: made.path.appending("probe/probe"), mode: 0o700)
        return made
    }

    private init(path: OSString) {
        self.path = path
    }

    deinit {
        if !isOver { _ = ScratchFolder.remove(path) }
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
        if ScratchFolder.remove(path) { return nil }
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

    /// Levels that are gone down before giving up: the job makes what it likes.
    private static let deepest = 512

    private static func remove(_ path: OSString) -> Bool {
        let flags = O_RDONLY | Int32(CS_O_DIRECTORY | CS_O_NOFOLLOW | CS_O_CLOEXEC)
        let folder = path.withPointer { Glibc.open($0, flags) }
        guard folder >= 0 else { return false }
        guard empty(OwnedFileDescriptor(owning: folder), 0) else { return false }
        return path.withPointer { rmdir($0) } == 0
    }

    /// Everything below an open folder, without following a link.
    private static func empty(_ folder: consuming OwnedFileDescriptor, _ depth: Int) -> Bool {
        // The job may have closed its own folders.
        if depth > deepest || fchmod(folder.number, 0o700) != 0 { return false }
        guard let names = names(in: folder.number) else { return false }
        for name in names {
            if name.withPointer({ unlinkat(folder.number, $0, 0) }) == 0 { continue }
            guard Glibc.errno == EISDIR || Glibc.errno == EPERM else { return false }
            guard let inner = open(name, in: folder.number), empty(inner, depth + 1) else { return false }
            if name.withPointer({ unlinkat(folder.number, $0, Int32(AT_REMOVEDIR)) }) != 0 { return false }
        }
        return true
    }

    /// A folder of the job's, which it may have closed to us: it is ours all the same.
    private static func open(_ name: OSString, in folder: Int32) -> OwnedFileDescriptor? {
        let flags = O_RDONLY | Int32(CS_O_DIRECTORY | CS_O_NOFOLLOW | CS_O_CLOEXEC)
        var number = name.withPointer { openat(folder, $0, flags) }
        if number < 0, Glibc.errno == EACCES, name.withPointer({ fchmodat(folder, $0, 0o700, 0) }) == 0 {
            number = name.withPointer { openat(folder, $0, flags) }
        }
        return number < 0 ? nil : OwnedFileDescriptor(owning: number)
    }

    private static func names(in folder: Int32) -> [OSString]? {
        let copy = cs_openat2(folder, ".", UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY) | UInt64(CS_O_CLOEXEC), 0, 0)
        guard copy >= 0 else { return nil }
        guard let list = fdopendir(Int32(copy)) else {
            _ = close(Int32(copy))
            return nil
        }
        defer { closedir(list) }
        var names: [OSString] = []
        while let entry = readdir(list) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { OSString($0.prefix { $0 != 0 }) }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
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
    /// The example of `explain` as mkdtemp(3) wants it.
    static let template: OSString = "/tmp/codex-sandbox-XXXXXX"
}
