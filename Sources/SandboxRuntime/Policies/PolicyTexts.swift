internal import Glibc
internal import SandboxKernel
public import SandboxPlan
public import SandboxPolicy

/// Finds and reads the texts of policies; each file is looked at before it is obeyed (`PolicyTrust`).
public struct PolicyTexts {
    /// `$XDG_CONFIG_HOME/codex-sandbox`; nil when nothing names it.
    let settingsFolder: OSString?
    /// Bytes of one text.
    static let limit = 256 << 10

    public init(settingsFolder: OSString?) {
        self.settingsFolder = settingsFolder
    }

    /// The text that somebody asked for.
    public func text(_ reference: PolicyReference) throws(Refusal) -> PolicyInputs.Text {
        switch reference {
        case .file(let path): return try chosen(path, name: path.description)
        case .named(let name):
            if let own = try own(name) { return own }
            if let builtin = BuiltinPolicy.named(name) {
                return PolicyTexts.text(.builtIn, name, "", Array(builtin.text.bytes))
            }
            throw Refusal(
                stage: "policy",
                subject: name,
                message: "there is no policy named \(OSString(name))",
                remedy: "see `codex-sandbox policy list`; a file is named by a path with a / or ending in .toml"
            )
        }
    }

    /// The text that another one extends.
    ///
    /// - Parameters:
    ///   - word: what stands at `extends`: a file with a slash or ending in `.toml`, relative to the folder of the one that
    ///     says it; else a name.
    ///   - file: the one that says it.
    /// - Returns: the text with its digest.
    /// - Throws: `Refusal` when it cannot be had.
    public func text(_ word: String, extendedBy file: PolicyFile) throws(Refusal) -> PolicyInputs.Text {
        let path = OSString(word)
        func refusal(_ message: String) -> Refusal {
            Refusal(
                stage: "policy",
                subject: word,
                message: message,
                remedy: "write a policy's name, or a path relative to the file that says it"
            )
        }
        guard !path.isEmpty, !path.bytes.contains(0) else { throw refusal("it is neither a name nor a path") }
        guard path.containsSlash || path.bytes.suffix(5).elementsEqual(".toml".utf8) else {
            return try text(.named(word))
        }
        if path.isAbsolute { return try chosen(path, name: word) }
        guard !file.path.isEmpty else { throw refusal("a built-in policy has no folder that a path could begin in") }
        return try chosen(file.path.parent.appending(path), name: word)
    }

    /// Whether a text that an earlier compilation has used is the one that would be used now.
    ///
    /// A name is looked up again: a user's own policy hides a built-in one, and may be new, or gone.
    func isStill(_ file: PolicyFile) -> Bool {
        do throws(Refusal) {
            let now: PolicyFile
            switch file.kind {
            case .builtIn, .own: now = try text(.named(file.name)).file
            case .file: now = try text(.file(file.path)).file
            // These are read for every launch, and are in what the entry goes by.
            case .project, .ceiling: return true
            }
            return now.kind == file.kind && now.path == file.path && now.digest == file.digest
        } catch {
            return false  // compiled anew, it is told with the line that names it
        }
    }

    static func text(_ kind: PolicyFile.Kind, _ name: String, _ path: OSString, _ text: [UInt8]) -> PolicyInputs.Text {
        PolicyInputs.Text(
            file: PolicyFile(kind: kind, name: name, path: path, digest: SHA256.digest(text)),
            text: text
        )
    }

    /// The file of that name in the settings folder; nil when there is none.
    private func own(_ word: String) throws(Refusal) -> PolicyInputs.Text? {
        guard let settings = settingsFolder else { return nil }
        let name = OSString(word + ".toml")
        let folder = settings.appending("policies")
        let path = folder.appending(name)
        // Nearly always there is none, and one call says so.
        guard try PolicyTexts.isThere(path) else { return nil }
        // Whoever may change one of the folders chooses the file: each is looked at, then what it holds.
        let outer = try PolicyTexts.opened(settings) { () throws(SyscallError) in try FileReading.folder(settings) }
        try PolicyTrust.check(outer.number, settings)
        let inner = try PolicyTexts.opened(folder) { () throws(SyscallError) in
            try FileReading.folder("policies", below: outer.number)
        }
        try PolicyTrust.check(inner.number, folder)
        let file = try PolicyTexts.opened(path) { () throws(SyscallError) in
            try FileReading.open(name, below: inner.number)
        }
        let text = try PolicyTexts.contents(of: file, path)
        do throws(SyscallError) {
            return PolicyTexts.text(.own, word, try FileReading.path(of: file.number), text)
        } catch { throw PolicyTexts.unreadable(path, error) }
    }

    /// A file that somebody named, reached without any link: a link in the workspace would be the job's to turn.
    private func chosen(_ path: OSString, name: String) throws(Refusal) -> PolicyInputs.Text {
        let file: OwnedFileDescriptor
        do throws(SyscallError) {
            file = try FileReading.open(path, followingLinks: false)
        } catch {
            if error.errno == ELOOP { throw PolicyTexts.link(path) }
            throw PolicyTexts.unreadable(path, error)
        }
        let text = try PolicyTexts.contents(of: file, path)
        do throws(SyscallError) {
            return PolicyTexts.text(.file, name, try FileReading.path(of: file.number), text)
        } catch { throw PolicyTexts.unreadable(path, error) }
    }

    private static func isThere(_ path: OSString) throws(Refusal) -> Bool {
        do throws(SyscallError) {
            _ = try FileReading.open(path)
            return true
        } catch {
            guard error.errno == ENOENT || error.errno == ENOTDIR else { throw unreadable(path, error) }
            try SettingsFolder.checkAbsence(of: path, "the policy \(path)")
            return false
        }
    }

    private static func opened(
        _ path: OSString,
        _ open: () throws(SyscallError) -> OwnedFileDescriptor
    ) throws(Refusal) -> OwnedFileDescriptor {
        do throws(SyscallError) {
            return try open()
        } catch { throw unreadable(path, error) }
    }

    private static func contents(
        of file: borrowing OwnedFileDescriptor,
        _ path: OSString
    ) throws(Refusal) -> [UInt8] {
        // Before its mode: `/dev/null` is written by everybody, and nobody is to change that.
        var status = stat()
        if fstat(file.number, &status) == 0, [S_IFCHR, S_IFBLK].contains(status.st_mode & S_IFMT) {
            throw Refusal(
                stage: "policy",
                subject: path.description,
                message: "\(path) is a device, and no policy stands in one",
                remedy: "name a file; for the default policy leave --policy out"
            )
        }
        try PolicyTrust.check(file.number, path)
        do throws(SyscallError) {
            return try FileReading.read(file, named: path, limit: limit)
        } catch { throw unreadable(path, error) }
    }

    private static func link(_ path: OSString) -> Refusal {
        var remedy = "write it into a file, and name that"
        do throws(SyscallError) {
            let file = try FileReading.open(path)
            let real = try FileReading.path(of: file.number)
            // A pipe or a descriptor has no path.
            if real.isAbsolute && !real.isWithin("/dev") && !real.isWithin("/proc") {
                remedy = "name the real path: \(real)"
            }
        } catch {
            remedy = "name a file: it leads nowhere"
        }
        return Refusal(
            stage: "policy",
            subject: path.description,
            errno: ELOOP,
            message: "the way to the policy \(path) leads through a symbolic link",
            remedy: remedy
        )
    }

    static func unreadable(_ path: OSString, _ error: SyscallError) -> Refusal {
        Refusal(
            stage: "policy",
            step: error.call,
            subject: path.description,
            errno: error.errno,
            message: "the policy \(path) cannot be read",
            remedy: error.errno == EFBIG ? "keep it below 256 KiB" : "name a file that you may read"
        )
    }
}
