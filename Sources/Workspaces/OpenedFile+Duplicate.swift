internal import Glibc
internal import SandboxKernel

extension OpenedFile {
    /// Another descriptor of the same open file, close-on-exec; the caller closes it.
    public func duplicated() throws(WorkspaceError) -> Int32 {
        let number = fcntl(file.number, F_DUPFD_CLOEXEC, 3)
        let code = errno
        guard number >= 0 else {
            throw WorkspaceError(.unavailable, "The server has too many files open", detail: "fcntl: error \(code)")
        }
        return number
    }
}
