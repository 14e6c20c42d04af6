internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// The administrator's `/etc/codex-sandbox/policy.toml`, which nothing exceeds.
///
/// Its place is fixed: no variable and no option leads elsewhere, or the bound would be everybody's to move.
enum CeilingFile {
    private static let folder: OSString = "/etc/codex-sandbox"
    private static let name: OSString = "policy.toml"

    /// - Returns: nil when there is none.
    /// - Throws: `Refusal` when there is one, and it cannot be read or is not root's alone: a bound that somebody else may have
    ///   written, or that nobody can read, bounds nothing.
    static func read() throws(Refusal) -> PolicyInputs.Text? {
        let path = folder.appending(name)
        do throws(SyscallError) {
            // Nearly always there is none, and one call says so.
            let file = try FileReading.open(path, followingLinks: false)
            let place = try FileReading.folder(folder, followingLinks: false)
            try check(place.number, folder, isFolder: true)
            try check(file.number, path, isFolder: false)
            return PolicyTexts.text(
                .ceiling,
                "\(name)",
                path,
                try FileReading.read(file, named: path, limit: PolicyTexts.limit)
            )
        } catch {
            if error.errno == ENOENT { return nil }
            throw Refusal(
                stage: "policy",
                step: error.call,
                subject: path.description,
                errno: error.errno,
                message: "the administrator's policy \(path), which bounds every launch, cannot be used",
                remedy: error.errno == EPERM
                    ? "as root, after a look at what they say: chown root:root \(folder) \(path); chmod go-w \(folder) \(path)"
                    : "as root, make it an ordinary file below 256 KiB that everybody may read, with no link on the way"
            )
        }
    }

    /// EPERM for what is not root's alone.
    private static func check(_ number: Int32, _ path: OSString, isFolder: Bool) throws(SyscallError) {
        var found = stat()
        let result = fstat(number, &found)
        let code = errno
        if result != 0 { throw SyscallError(call: "fstat", subject: path.description, errno: code) }
        if found.st_mode & S_IFMT != (isFolder ? S_IFDIR : S_IFREG) {
            throw SyscallError(call: "openat2", subject: path.description, errno: EINVAL)
        }
        if found.st_uid != 0 || found.st_mode & 0o022 != 0 {
            throw SyscallError(call: "fstat", subject: path.description, errno: EPERM)
        }
    }
}
