internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The empty repository of `workspace.git = "create"`.
///
/// Made here, and not by git: the layout is a documented one (gitrepository-layout(5)), a launch then needs no git on the host
/// and no second sandbox for it, and neither templates nor settings of anybody get in. `HEAD` comes last: up to there no git
/// takes it for a repository, and a launch that finds it like that goes on with it.
struct WorkspaceRepository {
    enum State {
        case missing
        /// What a launch that was ended has left.
        case begun
        /// Whatever it is, it is judged as any other.
        case there
    }

    /// What `git init` writes for a repository with a work tree.
    static let config = Array(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n".utf8
    )
    static let head = Array("ref: refs/heads/main\n".utf8)

    private static let folders = [
        "hooks", "info", "objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags",
    ]

    private let workspace: OSString

    init(in workspace: OSString) {
        self.workspace = workspace
    }

    private var path: OSString { workspace.appending(".git") }

    /// What is there now.
    ///
    /// - Throws: `Refusal` for a `.git` without `HEAD` that is not what would be made: with a `HEAD` git would obey it.
    func state() throws(Refusal) -> State {
        let top = try opened()
        var found = cs_identity()
        let result = cs_identify(top.number, ".git", &found)
        if result == Int(-ENOENT) { return .missing }
        guard result == 0, found.mode & S_IFMT == S_IFDIR else { return .there }
        let number = folder(".git", below: top.number)
        guard number >= 0 else { return .there }
        let git = OwnedFileDescriptor(owning: Int32(number))
        var head = cs_identity()
        guard cs_identify(git.number, "HEAD", &head) == Int(-ENOENT) else { return .there }
        do throws(SyscallError) {
            if try isOurs(git) { return .begun }
        } catch { throw refusal("looked at", error.call, error.errno) }
        throw Refusal(
            stage: "plan",
            subject: path.description,
            message: "\(path) has no HEAD, so it is no repository, and there is more in it than a launch begins with",
            remedy: "look at what is in it, and remove it; or make it one with `git init`",
            layer: .mounts
        )
    }

    /// Makes it, or goes on with what was begun; as root, in the name of the workspace's owner.
    func make() throws(Refusal) {
        let top = try opened()
        var owner = cs_identity()
        let code = cs_identify(top.number, "", &owner)
        if code != 0 { throw refusal("made", "statx", Int32(-code)) }
        guard geteuid() == 0, owner.uid != 0 else { return try fill(top.number) }
        let before = cs_act_on_files_as(owner.uid, owner.gid == 0 ? 65534 : owner.gid)
        if before < 0 { throw refusal("made", "setfsuid", EPERM) }
        let made = Result { () throws(Refusal) in try fill(top.number) }
        precondition(cs_act_on_files_as_root(before) == 0, "root's own rights on files are back")
        try made.get()
    }

    private func fill(_ top: Int32) throws(Refusal) {
        func check(_ result: Int32, _ call: String) throws(Refusal) {
            let code = errno
            if result != 0 && code != EEXIST { throw refusal("made", call, code) }
        }
        try check(mkdirat(top, ".git", 0o777), "mkdirat")
        let number = folder(".git", below: top)
        guard number >= 0 else { throw refusal("made", "openat2", Int32(-number)) }
        let git = OwnedFileDescriptor(owning: Int32(number))
        // Settings first: without them a launch with another policy would have nothing to keep from the job.
        try write(WorkspaceRepository.config, to: "config", in: git.number)
        for name in WorkspaceRepository.folders { try check(mkdirat(git.number, name, 0o777), "mkdirat") }
        try write(WorkspaceRepository.head, to: "HEAD", in: git.number)
    }

    /// Under a name of its own first, then renamed: there is no half of it.
    private func write(_ bytes: [UInt8], to name: String, in git: Int32) throws(Refusal) {
        let temporary = name + ".lock"
        _ = unlinkat(git, temporary, 0)
        let number = openat(git, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
        let code = errno
        if number < 0 { throw refusal("made", "openat", code) }
        let file = OwnedFileDescriptor(owning: number)
        let written = bytes.withUnsafeBytes { Glibc.write(file.number, $0.baseAddress, $0.count) }
        let reason = written < 0 ? errno : ENOSPC
        if written != bytes.count { throw refusal("made", "write", reason) }
        let renamed = renameat(git, temporary, git, name)
        let why = errno
        if renamed != 0 { throw refusal("made", "renameat", why) }
    }

    // MARK: -

    /// Whether there is nothing in it but a part of what is made here.
    private func isOurs(_ git: borrowing OwnedFileDescriptor) throws(SyscallError) -> Bool {
        for name in try names(in: git.number, "") {
            switch name {
            case "config":
                let file = try FileReading.open("config", below: git.number, followingLinks: false)
                let text = try FileReading.read(file, named: path.appending("config"), limit: 4096)
                if text != WorkspaceRepository.config { return false }
            case "config.lock", "HEAD.lock": continue
            case "hooks", "info": if try !names(in: git.number, name).isEmpty { return false }
            case "objects", "refs":
                for inner in try names(in: git.number, name) {
                    let path = name.appending(inner)
                    guard WorkspaceRepository.folders.contains("\(path)"), try names(in: git.number, path).isEmpty
                    else { return false }
                }
            case _: return false
            }
        }
        return true
    }

    /// Throws ENOTDIR where something else stands.
    private func names(in git: Int32, _ path: OSString) throws(SyscallError) -> [OSString] {
        let flags = UInt64(O_RDONLY | O_NONBLOCK) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let name: OSString = path.isEmpty ? "." : path
        let number = name.withPointer { cs_openat2(git, $0, flags, 0, resolve) }
        if number < 0 {
            throw SyscallError(call: "openat2", subject: self.path.appending(path).description, errno: Int32(-number))
        }
        let folder = OwnedFileDescriptor(owning: Int32(number))
        var names: [OSString] = []
        try FolderEntries.each(in: folder.number, named: self.path.appending(path)) { (entry) throws(SyscallError) in
            names.append(entry.copy)
            return names.count < 64
        }
        return names
    }

    private func opened() throws(Refusal) -> OwnedFileDescriptor {
        let number = ClosedFolder.descriptor(workspace)
        guard number >= 0 else { throw refusal("looked at", "openat2", Int32(-number)) }
        return OwnedFileDescriptor(owning: Int32(number))
    }

    private func folder(_ name: OSString, below top: Int32) -> Int { ClosedFolder.descriptor(name, below: top) }

    private func refusal(_ done: String, _ call: String, _ code: Int32) -> Refusal {
        Refusal(
            stage: "plan",
            step: call,
            subject: path.description,
            errno: code,
            message:
                "the repository \(path), which the policy wants (workspace.git = \"create\"), could not be \(done)",
            remedy: "see that the workspace can be written, or make it by hand (`git init`)",
            layer: .mounts
        )
    }
}
