internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// A workspace's own `.codex-sandbox.toml`, read once, before anything else looks at it.
///
/// It lies under the hands of earlier jobs: it is opened without following any link, must be an ordinary file, and what counts
/// for the launch is what was read here.
struct ProjectFile {
    static let name: OSString = ".codex-sandbox.toml"

    let text: PolicyInputs.Text
    /// Which file it was, for comparing with what the plan mounts.
    private let device: UInt64
    private let inode: UInt64

    var path: OSString { text.file.path }

    /// - Parameter workspace: its real path.
    /// - Returns: nil when there is none, or a folder stands there, as ours does while it is covered.
    /// - Throws: `Refusal` when what stands there is neither, or cannot be read.
    static func read(in workspace: OSString) throws(Refusal) -> ProjectFile? {
        let path = workspace.appending(name)
        do throws(SyscallError) {
            let file = try FileReading.open(path, followingLinks: false)
            var found = cs_identity()
            let code = cs_identify(file.number, "", &found)
            if code != 0 { throw SyscallError(call: "statx", subject: path.description, errno: Int32(-code)) }
            switch found.mode & S_IFMT {
            case S_IFDIR: return nil
            case S_IFREG: break
            case _: throw SyscallError(call: "openat2", subject: path.description, errno: EINVAL)
            }
            let bytes = try FileReading.read(file, named: path, limit: PolicyTexts.limit)
            return ProjectFile(
                text: PolicyTexts.text(.project, "\(name)", path, bytes),
                device: found.device,
                inode: found.inode
            )
        } catch {
            if error.errno == ENOENT { return nil }
            throw unusable(path, error)
        }
    }

    /// Whether the plan keeps the file that was read from the job, and no other.
    ///
    /// - Parameters:
    ///   - file: what was read; nil when there was none.
    ///   - workspace: its real path.
    ///   - entries: what was looked at for the plan; in a read-only workspace nobody looks.
    /// - Throws: `Refusal` when it is another one.
    static func check(
        _ file: ProjectFile?,
        _ workspace: OSString,
        _ entries: HostEntries
    ) throws(Refusal) {
        let path = workspace.appending(name)
        let isSame: Bool
        switch (entries[path], file) {
        case (nil, _): isSame = true
        case (.file(let identity), let file?):
            isSame = identity.device == file.device && identity.inode == file.inode
        case (.file, nil), (_, _?): isSame = false
        case (_, nil): isSame = true
        }
        if isSame { return }
        throw Refusal(
            stage: "policy",
            subject: path.description,
            message: "the project's policy \(path) was replaced while it was read",
            remedy: "see who writes there, and start it again"
        )
    }

    private static func unusable(_ path: OSString, _ error: SyscallError) -> Refusal {
        if error.errno == ENAMETOOLONG {
            let most = PolicyRange.pathLength.upperBound - name.bytes.count - 1
            return Refusal(
                stage: "policy",
                step: error.call,
                subject: path.parent.description,
                errno: error.errno,
                message: "the path of the workspace has \(path.parent.bytes.count) bytes: names in it, as "
                    + "\(name), would be longer than the kernel takes (\(PolicyRange.pathLength.upperBound))",
                remedy: "use a workspace whose path has \(most) bytes at most, or mount one at a shorter path"
            )
        }
        let remedy =
            switch error.errno {
            case ELOOP: "put the file itself there instead of a link"
            case EFBIG: "keep it below 256 KiB"
            case EINVAL, ENXIO: "it is no ordinary file: look at what it is, and remove it"
            case _: "make it readable for yourself, or remove it"
            }
        return Refusal(
            stage: "policy",
            step: error.call,
            subject: path.description,
            errno: error.errno,
            message: "the project's policy \(path) cannot be read",
            remedy: remedy
        )
    }
}
