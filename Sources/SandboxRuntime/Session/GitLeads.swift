internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// Says when the repository's own settings send git to something that the job can change: git outside runs it (threat B2).
///
/// A word for a person, on which nothing depends: whatever stands in the way of reading the file, nothing is said.
enum GitLeads {
    /// More of them are not told.
    private static let limit = 8

    /// What there is to say.
    ///
    /// - Parameters:
    ///   - plan: says what the job can change.
    ///   - workspace: with `.git` in it, perhaps.
    ///   - home: the caller's.
    /// - Returns: one line for each.
    static func notes(_ plan: LaunchPlan, workspace: OSString, home: OSString?) -> [String] {
        let file = workspace.appending(".git/config")
        let text: [UInt8]
        do throws(SyscallError) {
            text = try FileReading.read(file, limit: 256 << 10, followingLinks: false)
        } catch {
            return []  // no repository, a link, too large
        }
        var notes: [String] = []
        for lead in GitLead.all(text, in: workspace, home: home) where notes.count < limit {
            guard let root = writableRoot(of: real(lead.path), plan) else { continue }
            var remedy = "look at it before you use git there"
            if lead.path.isWithin(root) && lead.path != root {
                let name = OSString(lead.path.bytes[(root.bytes.count + 1)...])
                remedy += ", or add \"\(name)\" to filesystem.protect in a policy file"
            }
            notes.append(
                "\(lead.key) in \(file) leads to \(lead.path), which the job can change and git outside obeys: \(remedy)"
            )
        }
        return notes
    }

    private static func real(_ path: OSString) -> OSString {
        do throws(SyscallError) { return try RealPath.of(path) } catch { return path }
    }

    /// The writable folder that the path is in; nil where a deeper mount keeps it from the job, or nothing shows it.
    private static func writableRoot(of path: OSString, _ plan: LaunchPlan) -> OSString? {
        var root: OSString?
        var deepest = -1
        for step in plan.steps {
            switch step {
            case .bind(let bind) where path.isWithin(bind.target) && bind.target.depth >= deepest:
                deepest = bind.target.depth
                switch bind.purpose {
                // A folder that is held stands in a root.
                case .anchor: break
                case .workspace, .write, .read, .protected, .system, .settings, .device, .containerProc:
                    root = bind.options.contains(.readOnly) ? nil : bind.target
                }
            case .cover(let target, _) where path.isWithin(target) && target.depth >= deepest:
                deepest = target.depth
                root = nil
            case .privatePropagation, .newRoot, .makeFolders, .symlink, .writeFile, .bind, .cover, .tmpfs, .procfs,
                .rootOnly, .devpts, .remount, .enterRoot, .hostname, .loopbackUp, .forbidUserNamespaces, .freshKeyring,
                .limit,
                .attributes, .dropCapabilities, .noNewPrivileges, .landlock, .placeFilter, .terminals:
                continue
            }
        }
        return root
    }
}
