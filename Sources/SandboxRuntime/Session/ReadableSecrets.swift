internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// Files directly in the workspace that by their names hold secrets, and that the job can read.
///
/// A word for a person, in `explain` alone: a launch looks at no folder for it.
public enum ReadableSecrets {
    /// Entries that are looked at.
    private static let limit = 4096
    /// Names that are told.
    private static let told = 5

    /// What there is to say: nothing, or a line or two.
    ///
    /// - Parameters:
    ///   - workspace: its real path.
    ///   - policy: what is denied in it.
    /// - Returns: notes for a person.
    public static func notes(in workspace: OSString, _ policy: Policy) -> [String] {
        if policy.confinement == .none { return [] }
        var found: [OSString] = []
        var seen = 0
        do throws(SyscallError) {
            let folder = try FileReading.open(workspace, followingLinks: false)
            try FolderEntries.each(in: folder.number, named: workspace) { (entry) throws(SyscallError) in
                seen += 1
                if seen > limit { return false }
                let isFile = [UInt8(DT_REG), UInt8(DT_LNK), UInt8(DT_UNKNOWN)].contains(entry.kind)
                let name = entry.copy
                if isFile, isSecret(name), !isDenied(workspace.appending(name), policy) { found.append(name) }
                return true
            }
        } catch {
            return [
                "whether secrets lie in \(workspace) could not be seen: \(error.call) said \(ErrnoName.name(error.errno))"
            ]
        }
        var notes: [String] = []
        if !found.isEmpty {
            found.sort()
            let more = found.count > told ? " and \(found.count - told) more" : ""
            let names = found.prefix(told).map(\.description).joined(separator: ", ")
            notes.append(
                "the job can read what by its name is secret: \(names)\(more) in \(workspace); `--deny` or filesystem.deny "
                    + "covers a path, filesystem.deny_globs a pattern"
            )
        }
        if seen > limit {
            notes.append("\(workspace) has more than \(limit) entries: not all were looked at for names of secrets")
        }
        return notes
    }

    /// `.env*`, `*.pem`, `id_*`, but not the public half of a key.
    static func isSecret(_ name: OSString) -> Bool {
        let bytes = name.bytes
        if bytes.suffix(4).elementsEqual(".pub".utf8) { return false }
        return bytes.starts(with: ".env".utf8) || bytes.starts(with: "id_".utf8)
            || bytes.suffix(4).elementsEqual(".pem".utf8)
    }

    private static func isDenied(_ path: OSString, _ policy: Policy) -> Bool {
        policy.filesystem.deny.contains { path.isWithin($0) }
    }
}
