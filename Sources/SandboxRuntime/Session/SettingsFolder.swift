internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Settings that are not there, and settings that somebody made and nobody would read: the first is nothing, the second a refusal.
enum SettingsFolder {
    /// - Parameters:
    ///   - folder: of settings; absolute.
    ///   - isNamed: whether our own variable names it: then it has to be there.
    ///   - policy: what is to be read; a file needs nothing of a folder that this account may not look into, and an `extends`
    ///     by name in it still asks. Nil for every policy there is.
    /// - Throws: `Refusal` when it has to be there and is none, or when something in it is for no version that this one is.
    static func check(_ folder: OSString, isNamed: Bool, for policy: PolicyReference?) throws(Refusal) {
        if isNamed { try checkIsFolder(folder) }
        // Policies are read from `policies/` alone; values that stand here would be passed over.
        let path = folder.appending("config.toml")
        var found = stat()
        let code = path.withPointer { lstat($0, &found) == 0 ? 0 : errno }
        switch code {
        case 0:
            throw Refusal(
                stage: "policy",
                subject: path.description,
                message: "this version reads no \(path), so nothing that it says would hold",
                remedy: "put a policy into \(folder.appending("policies"))/NAME.toml and name it with --policy or "
                    + "CODEX_SANDBOX_POLICY, then move config.toml away"
            )
        // What it is about a folder that is none, `checkAbsence` says where a policy is looked for.
        case ENOENT, ENOTDIR: return
        // Somebody else's home, or one that a service does not see: nothing in it is ours.
        case EACCES where !isNamed && policy?.isFile == true: return
        case _: throw unreadable(path, "lstat", code)
        }
    }

    private static func checkIsFolder(_ folder: OSString) throws(Refusal) {
        var found = stat()
        let code = folder.withPointer { stat($0, &found) == 0 ? 0 : errno }
        if code == 0, found.st_mode & S_IFMT == S_IFDIR { return }
        throw Refusal(
            stage: "policy",
            step: "stat",
            subject: folder.description,
            errno: code == 0 ? ENOTDIR : code,
            message: "CODEX_SANDBOX_CONFIG names \(folder), which is no folder that can be looked into",
            remedy: "make that folder, name another, or unset the variable"
        )
    }

    /// Whether a path that could not be opened is really not there.
    ///
    /// What is nearest to it on the way is looked at: a folder, and nothing is missing but what was never made; a link that leads
    /// nowhere, or a file in a folder's place, and somebody meant something to be found there.
    ///
    /// - Parameters:
    ///   - path: absolute and normalised; ENOENT or ENOTDIR was the answer to it.
    ///   - what: half a sentence: `the policy /…/policies/strict.toml`.
    /// - Throws: `Refusal` that names what stands in the way.
    static func checkAbsence(of path: OSString, _ what: @autoclosure () -> String) throws(Refusal) {
        var nearest = path
        while nearest != "/" {
            var found = stat()
            let code = nearest.withPointer { lstat($0, &found) == 0 ? 0 : errno }
            if code == ENOENT || code == ENOTDIR {
                nearest = nearest.parent
                continue
            }
            if code != 0 { throw unreadable(nearest, "lstat", code) }
            var kind = found.st_mode & S_IFMT
            if kind == S_IFLNK {
                let code = nearest.withPointer { stat($0, &found) == 0 ? 0 : errno }
                if code != 0 { throw inTheWay(nearest, "a link that leads nowhere", what(), code) }
                kind = found.st_mode & S_IFMT
            }
            // As a home it says that there is none.
            if kind == S_IFDIR || nearest == "/dev/null" { return }
            throw inTheWay(nearest, "no folder", what(), ENOTDIR)
        }
    }

    private static func inTheWay(_ path: OSString, _ kind: String, _ what: String, _ code: Int32) -> Refusal {
        Refusal(
            stage: "policy",
            step: "stat",
            subject: path.description,
            errno: code,
            message: "\(what) cannot be looked for: \(path) is \(kind)",
            remedy: "mend it, or move it away where nothing is meant to be there"
        )
    }

    private static func unreadable(_ path: OSString, _ call: String, _ code: Int32) -> Refusal {
        Refusal(
            stage: "policy",
            step: call,
            subject: path.description,
            errno: code,
            message: "it cannot be found out whether there is \(path)",
            remedy: "make the folders on the way yours, and such that you may look into them; or let HOME, "
                + "XDG_CONFIG_HOME or CODEX_SANDBOX_CONFIG name others"
        )
    }
}
