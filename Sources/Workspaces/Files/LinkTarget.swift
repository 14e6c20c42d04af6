internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Where a link would lead by its words alone, in a folder that has no other links.
enum LinkTarget {
    /// Whether a link is relative and never goes above the top, so that those who unpack it elsewhere can take it.
    static func staysInside(_ target: OSString, at path: OSString) -> Bool {
        guard !target.isEmpty, !target.isAbsolute else { return false }
        var depth = path.components.count - 1
        for name in target.components {
            depth += name == ".." ? -1 : 1
            if depth < 0 { return false }
        }
        return true
    }
}

extension ProjectFolder {
    /// The words of a link; nil where it is not there any more, or no link.
    func target(ofLink path: OSString) throws(WorkspaceError) -> OSString? {
        // The link itself is held, so that no folder on the way can be exchanged for a link before it is read.
        let flags = Beneath.handle | UInt64(CS_O_NOFOLLOW)
        let number = Beneath.open(path, below: number, flags, Beneath.withoutLinks)
        guard number >= 0 else {
            switch Int32(-number) {
            case ENOENT, ENOTDIR, ELOOP, EXDEV, EACCES, EPERM, EAGAIN, ENAMETOOLONG: return nil
            default: throw WorkspaceError("openat2", on: path, number)
            }
        }
        let link = OwnedFileDescriptor(owning: Int32(number))
        do throws(SyscallError) {
            return try FileReading.link("", below: link.number)
        } catch {
            // Of what is no link: readlinkat(2).
            if error.errno == ENOENT || error.errno == EINVAL { return nil }
            throw WorkspaceError(error.call, on: path, Int(-error.errno))
        }
    }
}
