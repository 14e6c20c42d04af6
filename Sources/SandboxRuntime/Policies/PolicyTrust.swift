internal import Glibc
internal import SandboxPlan

/// Whether an open file or folder can be obeyed: nobody but its user and root may be able to change it.
///
/// As root only what is root's own is obeyed. The group may write where it is the user's own: with a umask of 002, and a
/// group for each user, nobody else is in it.
enum PolicyTrust {
    /// - Throws: `Refusal` with what to do about it.
    static func check(_ number: Int32, _ path: OSString) throws(Refusal) {
        var status = stat()
        let result = fstat(number, &status)
        let code = errno
        guard result == 0 else {
            throw Refusal(
                stage: "policy",
                step: "fstat",
                subject: path.description,
                errno: code,
                message: "whose \(path) is could not be found out",
                remedy: "name a file that you may read"
            )
        }
        try check(
            Status(uid: status.st_uid, gid: status.st_gid, mode: status.st_mode & 0o7777),
            as: (uid: geteuid(), gid: getegid()),
            path
        )
    }

    struct Status {
        var uid: UInt32
        var gid: UInt32
        var mode: UInt32
    }

    /// The judgement, over values.
    static func check(
        _ status: Status,
        as user: (uid: UInt32, gid: UInt32),
        _ path: OSString
    ) throws(Refusal) {
        func refusal(_ reason: String, _ remedy: String) -> Refusal {
            Refusal(
                stage: "policy",
                subject: path.description,
                message: "\(path) decides what a job may do, and \(reason)",
                remedy: remedy
            )
        }
        guard status.uid == 0 || status.uid == user.uid else {
            let owner = "it belongs to uid \(status.uid)"
            if user.uid == 0 {
                throw refusal(
                    "\(owner), not to root",
                    "run it with root's own HOME (`sudo -H`), or `chown root:root \(path)` after a look at what it says"
                )
            }
            throw refusal("\(owner), not to you (\(user.uid)) or root", "make a copy of your own, and use that")
        }
        let isOwnGroup = status.gid == (user.uid == 0 ? 0 : user.gid)
        guard status.mode & 0o002 == 0, status.mode & 0o020 == 0 || isOwnGroup else {
            throw refusal(
                "others may write to it (mode \(String(status.mode, radix: 8)))",
                "`chmod go-w \(path)`, after a look at what it says"
            )
        }
    }
}
