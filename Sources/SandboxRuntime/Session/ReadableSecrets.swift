internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// Files in the workspace that by their names hold secrets, and that the job can read.
///
/// A word for a person, in `explain` alone: a launch looks at no folder for it.
public enum ReadableSecrets {
    /// Entries that are looked at, in all folders together, those further up first.
    private static let limit = 20_000
    /// Folders one in the other.
    private static let depth = 16
    /// Names that are told.
    private static let told = 5

    private struct Walk {
        /// Paths from the workspace on.
        var found: [OSString] = []
        var seen = 0
        /// Whether there is more than was looked at.
        var isCut = false
        /// Folders of the next depth.
        var next: [OSString] = []
    }

    /// What there is to say: nothing, or a line or two.
    ///
    /// - Parameters:
    ///   - workspace: its real path.
    ///   - policy: what is denied in it.
    /// - Returns: notes for a person.
    public static func notes(in workspace: OSString, _ policy: Policy) -> [String] {
        if policy.confinement == .none { return [] }
        var walk = Walk()
        do throws(SyscallError) {
            try look(at: "", in: workspace, policy, &walk)
        } catch {
            return [
                "whether secrets lie in \(workspace) could not be seen: \(error.call) said \(ErrnoName.name(error.errno))"
            ]
        }
        for _ in 1..<depth where !walk.next.isEmpty && !walk.isCut {
            let folders = walk.next.sorted()
            walk.next = []
            for folder in folders where !walk.isCut {
                do throws(SyscallError) {
                    try look(at: folder, in: workspace, policy, &walk)
                } catch {
                    // One that went, or that the caller, who is the job too, may not open.
                    continue
                }
            }
        }
        var notes: [String] = []
        if !walk.found.isEmpty {
            let more = walk.found.count > told ? " and \(walk.found.count - told) more" : ""
            let names = walk.found.prefix(told).map(\.description).joined(separator: ", ")
            notes.append(
                "the job can read what by its name is secret: \(names)\(more) in \(workspace); `--deny` or filesystem.deny "
                    + "covers a path, filesystem.deny_globs a pattern"
            )
        }
        if walk.isCut || !walk.next.isEmpty {
            notes.append(
                "\(workspace) has more than \(limit) entries, or folders more than \(depth) deep: not all were looked at for "
                    + "names of secrets"
            )
        }
        return notes
    }

    /// Looks at one folder; links are not followed.
    private static func look(
        at folder: OSString,
        in workspace: OSString,
        _ policy: Policy,
        _ walk: inout Walk
    ) throws(SyscallError) {
        let path = folder.isEmpty ? workspace : workspace.appending(folder)
        let opened = try FileReading.open(path, followingLinks: false)
        var found: [OSString] = []
        var next: [OSString] = []
        var seen = walk.seen
        try FolderEntries.each(in: opened.number, named: path) { (entry) throws(SyscallError) in
            seen += 1
            if seen > limit { return false }
            let name = entry.copy
            let entryPath = folder.isEmpty ? name : folder.appending(name)
            if isDenied(workspace.appending(entryPath), policy) { return true }
            if entry.kind == UInt8(DT_DIR) {
                // What git keeps is no file of the project's.
                if name != ".git" { next.append(entryPath) }
                return true
            }
            let isFile = [UInt8(DT_REG), UInt8(DT_LNK), UInt8(DT_UNKNOWN)].contains(entry.kind)
            if isFile, isSecret(name) { found.append(entryPath) }
            return true
        }
        walk.seen = seen
        walk.isCut = seen > limit
        walk.found += found.sorted()
        walk.next += next
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
