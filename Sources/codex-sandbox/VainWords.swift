internal import Glibc
internal import SandboxCLI
internal import SandboxPlan
internal import SandboxPolicy

/// Options that come to nothing here: a slip of the pen in them would take a protection, or a variable, without a word.
///
/// The plan knows of a denied path only that nothing has to be covered, which in a policy for many projects is no slip.
enum VainWords {
    /// Notes for a person, in the order of the options.
    static func notes(_ options: RunOptions, environment: [OSString]) -> [String] {
        var notes: [String] = []
        for name in options.overrides.passEnvironment {
            let prefix = name.bytes + [UInt8(ascii: "=")]
            if environment.contains(where: { $0.bytes.starts(with: prefix) }) { continue }
            notes.append("--env \(name): the caller's environment has no \(name)")
        }
        for path in options.overrides.deny where isAbsent(path) && !isGenerated(path) {
            notes.append("--deny \(path): it does not exist, so nothing is covered")
        }
        return notes
    }

    /// What every sandbox has of its own in `/etc`, and not where it is denied: the host need not have it.
    private static func isGenerated(_ path: OSString) -> Bool {
        path.parent == "/etc" && GeneratedSettings.names.contains(path.lastComponent)
    }

    /// Relative to the current folder, as the options are.
    private static func isAbsent(_ path: OSString) -> Bool {
        let name = path.bytes.map { CChar(bitPattern: $0) } + [0]
        var status = stat()
        return lstat(name, &status) != 0 && errno == ENOENT
    }
}
