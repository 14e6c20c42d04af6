internal import SandboxKernel
internal import SandboxPlan

/// A file `.git` directly in a writable folder: of a linked worktree, of a submodule, of a repository that lies elsewhere.
///
/// Earlier jobs may have written it, so what it names is not shown on its word; it is told, and whoever looks at it can show
/// the place.
enum GitPointer {
    private static let word = Array("gitdir:".utf8)

    /// What there is to say; nil where the job is shown what it leads to.
    ///
    /// - Parameters:
    ///   - repository: of kind `pointer`.
    ///   - policy: says what is shown.
    ///   - workspace: shown, too.
    /// - Returns: a line for a person.
    static func note(_ repository: HostRepository, _ policy: Policy, workspace: OSString) -> String? {
        let path = repository.path
        let text: [UInt8]
        do throws(SyscallError) {
            text = try FileReading.read(path, limit: 8 << 10, followingLinks: false)
        } catch {
            return "\(path) is no folder, and cannot be read: git does not work in the job"
        }
        guard let target = target(text, in: path.parent) else {
            return "\(path) is no folder, and does not name one as git writes it: git does not work in the job"
        }
        let shown = [workspace] + policy.filesystem.read + policy.filesystem.write
        if shown.contains(where: { target.isWithin($0) }) { return nil }
        return "\(path) leads to \(target), which is not shown on the word of a file: git does not work in the job. "
            + "After a look at it, --read \(whole(target)) shows it (log, diff, status); commit outside"
    }

    /// The folder that the file names; nil where it is not what git writes.
    static func target(_ text: [UInt8], in folder: OSString) -> OSString? {
        guard text.starts(with: word) else { return nil }
        var rest = text[word.count...]
        rest = rest.drop { $0 == 0x20 }
        while rest.last == 0x0A || rest.last == 0x0D { rest = rest.dropLast() }
        guard !rest.isEmpty, !rest.contains(0), !rest.contains(0x0A) else { return nil }
        let written = OSString(rest)
        var path: OSString = "/"
        for name in (written.isAbsolute ? written : folder.appending(written)).components {
            path = name == ".." ? path.parent : path.appending(name)
        }
        return path
    }

    /// Of a worktree's folder the repository it belongs to, which it needs.
    static func whole(_ target: OSString) -> OSString {
        target.parent.lastComponent == "worktrees" ? target.parent.parent : target
    }
}
