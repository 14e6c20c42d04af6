internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// The caller's own git settings (git-config(1), "FILES").
enum CallersGit {
    /// Longer ones are not looked at, in bytes.
    private static let limit = 256 << 10

    /// Name and mail address; a file that is not there, or is denied, says nothing.
    ///
    /// Denied is the file as it is written and as it really lies, and every folder around either.
    ///
    /// - Throws: `Refusal` where it cannot be told what a pattern means.
    static func user(_ options: LaunchOptions, _ filesystem: FilesystemPolicy) throws(Refusal) -> GitUser {
        var user = GitUser(name: "", email: "")
        guard let home = OwnFolders.home(options) else { return user }
        var base = home.appending(".config")
        if let xdg = options.variable("XDG_CONFIG_HOME"), xdg.isAbsolute { base = xdg }
        let patterns = try patterns(filesystem.denyGlobs)
        for path in [base.appending("git/config"), home.appending(".gitconfig")] {
            do throws(SyscallError) {
                let file = try FileReading.open(path)
                if !filesystem.deny.isEmpty || !patterns.isEmpty {
                    let names = [path, try FileReading.path(of: file.number)]
                    let isDenied = names.contains { name in
                        filesystem.deny.contains { name.isWithin($0) }
                            || patterns.contains { $0.match(onTheWayTo: name) != nil }
                    }
                    if isDenied { continue }
                }
                user.read(try FileReading.read(file, named: path, limit: limit))
            } catch {
                continue  // absent or unreadable: git inside then asks who commits, which harms nobody
            }
        }
        return user
    }

    /// Those that begin at `/`, as they are written and as links lead; the others mean what lies in the workspace.
    private static func patterns(_ globs: [OSString]) throws(Refusal) -> [DenyPattern] {
        var patterns: [DenyPattern] = []
        for glob in globs where glob.isAbsolute {
            patterns.append(DenyPattern(glob))
            if let front = try PatternFront.find(glob), front.isMoved { patterns.append(DenyPattern(front.pattern)) }
        }
        return patterns
    }
}
