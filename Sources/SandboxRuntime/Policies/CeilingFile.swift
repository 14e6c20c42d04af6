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
        let why: String
        do throws(SyscallError) {
            // Nearly always there is none, and one call says so.
            let file = try FileReading.open(path, followingLinks: false)
            let place = try FileReading.folder(folder, followingLinks: false)
            var found = try defect(of: place.number, folder, isFolder: true)
            if found == nil { found = try defect(of: file.number, path, isFolder: false) }
            guard let found else {
                return PolicyTexts.text(
                    .ceiling,
                    "\(name)",
                    path,
                    try FileReading.read(file, named: path, limit: PolicyTexts.limit)
                )
            }
            why = found
        } catch {
            if error.errno == ENOENT { return nil }
            throw refusal(
                "",
                "as root, make it an ordinary file below 256 KiB that everybody may read, with no link on the way",
                error
            )
        }
        throw refusal(
            ": \(why)",
            "as root, after a look at what they say: chown root:root \(folder) \(path); chmod go-w \(folder) \(path)"
        )
    }

    /// Why it cannot be relied on; nil if it is root's alone.
    private static func defect(of number: Int32, _ path: OSString, isFolder: Bool) throws(SyscallError) -> String? {
        var found = stat()
        let result = fstat(number, &found)
        let code = errno
        if result != 0 { throw SyscallError(call: "fstat", subject: path.description, errno: code) }
        if found.st_mode & S_IFMT != (isFolder ? S_IFDIR : S_IFREG) {
            return "\(path) is no ordinary \(isFolder ? "folder" : "file")"
        }
        if found.st_uid != 0 { return "\(path) belongs to uid \(found.st_uid), not to root" }
        if found.st_mode & 0o022 == 0 { return nil }
        return "others may write to \(path) (mode \(String(found.st_mode & 0o7777, radix: 8)))"
    }

    private static func refusal(_ why: String, _ remedy: String, _ error: SyscallError? = nil) -> Refusal {
        let path = folder.appending(name)
        return Refusal(
            stage: "policy",
            step: error?.call ?? "",
            subject: path.description,
            errno: error?.errno ?? 0,
            message: "the administrator's policy \(path), which bounds every launch, cannot be used\(why)",
            remedy: remedy
        )
    }
}
