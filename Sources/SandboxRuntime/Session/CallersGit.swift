internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// The caller's own git settings (git-config(1), "FILES").
enum CallersGit {
    /// Longer ones are not looked at, in bytes.
    private static let limit = 256 << 10

    /// Name and mail address; a file that is not there, or is denied, says nothing.
    ///
    /// Denied is the file as it is written, as it really lies, by every link on the way there, and every folder around each; a denied
    /// path also means where it leads.
    ///
    /// - Throws: `Refusal` where it cannot be told what a pattern means.
    static func user(_ options: LaunchOptions, _ filesystem: FilesystemPolicy) throws(Refusal) -> GitUser {
        var user = GitUser(name: "", email: "")
        guard let home = OwnFolders.home(options) else { return user }
        var base = home.appending(".config")
        if let xdg = options.variable("XDG_CONFIG_HOME"), xdg.isAbsolute { base = xdg }
        let patterns = try patterns(filesystem.denyGlobs)
        // It may be this file.
        guard let denied = denied(filesystem.deny) else { return user }
        for path in [base.appending("git/config"), home.appending(".gitconfig")] {
            do throws(SyscallError) {
                let file = try FileReading.open(path)
                if !denied.isEmpty || !patterns.isEmpty {
                    let names = RealPath.way(of: path) + [try FileReading.path(of: file.number)]
                    let isDenied = names.contains { name in
                        denied.contains { name.isWithin($0) }
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

    /// As they are written, and where they lead; nil where that cannot be told of one.
    private static func denied(_ paths: [OSString]) -> [OSString]? {
        var all = paths
        for path in paths {
            do throws(SyscallError) { all.append(try RealPath.of(path)) } catch { return nil }
        }
        return all
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
