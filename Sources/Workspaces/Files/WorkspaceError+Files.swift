internal import Glibc
internal import SandboxPlan

extension WorkspaceError {
    /// In the words of the API; the reason is for the log.
    static func invalidPath(_ detail: String) -> WorkspaceError {
        WorkspaceError(.invalidPath, "Invalid path", detail: detail)
    }

    static func noFile(_ detail: String) -> WorkspaceError {
        WorkspaceError(.noFile, "File not found", detail: detail)
    }

    /// What a call on a path below a project's folder has failed with.
    ///
    /// - Parameters:
    ///   - call: its name.
    ///   - path: from the project's folder.
    ///   - result: -errno.
    init(_ call: String, on path: OSString, _ result: Int) {
        let errno = Int32(-result)
        let detail = "\(call) \(path): \(ErrnoName.described(errno))"
        switch errno {
        // A link that leads out; a link of /proc, links in a ring, or a link where none is followed.
        case EXDEV, ELOOP: self = .invalidPath(detail)
        // Nothing there; a folder, socket or device; a mode that forbids it.
        case ENOENT, ENOTDIR, EISDIR, ENXIO, ENODEV, ENAMETOOLONG, EOPNOTSUPP, EACCES, EPERM: self = .noFile(detail)
        case EAGAIN, ETXTBSY, EBUSY, ENOTEMPTY, EEXIST:
            self = WorkspaceError(.conflict, "The file is being changed by somebody else; try again", detail: detail)
        case EFBIG: self = WorkspaceError(.tooMuch, "The file is larger than it may be", detail: detail)
        case EMFILE, ENFILE, ENOMEM, ENOSPC, EDQUOT, EROFS, EIO:
            self = WorkspaceError(
                .unavailable,
                "The server cannot use its files now: \(ErrnoName.name(errno))",
                detail: detail
            )
        default: self = WorkspaceError(.fault, "The server could not do this with the file", detail: detail)
        }
    }
}
