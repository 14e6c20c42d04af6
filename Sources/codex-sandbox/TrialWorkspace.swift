internal import Glibc
internal import SandboxCLI
internal import SandboxPlan

/// An empty folder for the launch that doctor makes, so that its answer does not hang on where it is called.
///
/// As root it belongs to `nobody`: a workspace of root would be refused, rightly, and say nothing of the host.
struct TrialWorkspace: ~Copyable {
    let path: OSString

    /// Makes it below `/tmp`.
    ///
    /// - Throws: `Refusal` when that cannot be done.
    init() throws(Refusal) {
        path = try TrialWorkspace.made()
    }

    private static func made() throws(Refusal) -> OSString {
        // The real path: a workspace that is reached through a link is refused.
        guard let temporary = realpath("/tmp", nil) else { throw TrialWorkspace.refusal("/tmp", "realpath", errno) }
        defer { free(temporary) }
        var name = Array(UnsafeBufferPointer(start: temporary, count: strlen(temporary)))
        name += "/codex-sandbox-doctor-XXXXXX".utf8CString
        guard mkdtemp(&name) != nil else { throw TrialWorkspace.refusal("/tmp", "mkdtemp", errno) }
        let path = OSString(name.dropLast().map { UInt8(bitPattern: $0) })
        if geteuid() == 0, chown(name, 65534, 65534) != 0 {
            let code = errno
            rmdir(name)
            throw TrialWorkspace.refusal(path, "chown", code)
        }
        return path
    }

    deinit {
        let name = path.bytes.map { CChar(bitPattern: $0) } + [0]
        guard rmdir(name) != 0 else { return }
        Output.say(OwnWords.lines(["\(path) cannot be removed: \(ErrnoName.described(errno)). Remove it yourself."]))
    }

    private static func refusal(_ path: OSString, _ call: String, _ errno: Int32) -> Refusal {
        Refusal(
            stage: "doctor",
            step: call,
            subject: path.description,
            errno: errno,
            message: "There is no place for a trial workspace.",
            remedy: remedy(call, errno)
        )
    }

    private static func remedy(_ call: String, _ code: Int32) -> String {
        switch (call, code) {
        // chown(2): an id that the user namespace does not map is no id.
        case ("chown", EINVAL):
            "Id 65534 is not mapped in this user namespace (/proc/self/uid_map), and root here is an ordinary user outside: "
                + "run doctor outside of it."
        case ("chown", EPERM):
            "Root has no CAP_CHOWN here (a container?): run doctor as an ordinary user, or outside."
        case (_, ENOSPC), (_, EDQUOT): "Free space on the file system of /tmp."
        default: "Make /tmp a folder that everybody can write: sudo chmod 1777 /tmp"
        }
    }
}
