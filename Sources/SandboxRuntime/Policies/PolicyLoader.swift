internal import Glibc
internal import SandboxKernel
public import SandboxPlan
internal import SandboxPolicy

/// Finds a policy's text and gets it compiled: from the cache, or by the compiler.
public struct PolicyLoader {
    /// `$XDG_CONFIG_HOME/codex-sandbox`; nil when nothing names it.
    let settingsFolder: OSString?
    let cache: PolicyCache
    private static let limit = 256 << 10

    public init(settingsFolder: OSString?, cacheFolder: OSString?) {
        self.settingsFolder = settingsFolder
        cache = PolicyCache(folder: cacheFolder)
    }

    /// The policy, ready for a plan, and what a person should know about how it was got.
    ///
    /// - Parameter reference: a name or a file.
    /// - Returns: the compiled policy, warnings, and the real path of a policy that was named as a file.
    /// - Throws: `Refusal` with every problem of the text.
    public func load(
        _ reference: PolicyReference
    ) throws(Refusal) -> (policy: CompiledPolicy, warnings: [String], file: OSString?) {
        let found = try text(reference)
        let (policy, warnings) = try cache.policy(name: found.name, text: found.text)
        return (policy, warnings, found.file)
    }

    /// Name and text.
    func text(_ reference: PolicyReference) throws(Refusal) -> (name: String, text: [UInt8], file: OSString?) {
        switch reference {
        case .file(let path):
            let (text, real) = try chosen(path)
            return (path.description, text, real)
        case .named(let name):
            if let own = try own(OSString(name + ".toml")) { return (name, own, nil) }
            if let builtin = BuiltinPolicy.named(name) { return (name, Array(builtin.text.bytes), nil) }
            throw Refusal(
                stage: "policy",
                subject: name,
                message: "there is no policy named \(OSString(name))",
                remedy: "see `codex-sandbox policy list`; a file is named by a path with a / or ending in .toml"
            )
        }
    }

    /// The file of that name in the settings folder; nil when there is none.
    private func own(_ name: OSString) throws(Refusal) -> [UInt8]? {
        guard let settings = settingsFolder else { return nil }
        let folder = settings.appending("policies")
        let path = folder.appending(name)
        // Nearly always there is none, and one call says so.
        guard try PolicyLoader.isThere(path) else { return nil }
        // Whoever may change one of the folders chooses the file: each is looked at, then what it holds.
        let outer = try PolicyLoader.opened(settings) { () throws(SyscallError) in try FileReading.folder(settings) }
        try PolicyTrust.check(outer.number, settings)
        let inner = try PolicyLoader.opened(folder) { () throws(SyscallError) in
            try FileReading.folder("policies", below: outer.number)
        }
        try PolicyTrust.check(inner.number, folder)
        let file = try PolicyLoader.opened(path) { () throws(SyscallError) in
            try FileReading.open(name, below: inner.number)
        }
        return try PolicyLoader.contents(of: file, path)
    }

    /// A file that the caller named, reached without any link: a link in the workspace would be the job's to turn.
    private func chosen(_ path: OSString) throws(Refusal) -> (text: [UInt8], real: OSString) {
        let file: OwnedFileDescriptor
        do throws(SyscallError) {
            file = try FileReading.open(path, followingLinks: false)
        } catch {
            if error.errno == ELOOP { throw PolicyLoader.link(path) }
            throw PolicyLoader.unreadable(path, error)
        }
        let text = try PolicyLoader.contents(of: file, path)
        do throws(SyscallError) {
            return (text, try FileReading.path(of: file.number))
        } catch { throw PolicyLoader.unreadable(path, error) }
    }

    private static func isThere(_ path: OSString) throws(Refusal) -> Bool {
        do throws(SyscallError) {
            _ = try FileReading.open(path)
            return true
        } catch {
            if error.errno == ENOENT || error.errno == ENOTDIR { return false }
            throw unreadable(path, error)
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
        try PolicyTrust.check(file.number, path)
        do throws(SyscallError) {
            return try FileReading.read(file, named: path, limit: PolicyLoader.limit)
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

    private static func unreadable(_ path: OSString, _ error: SyscallError) -> Refusal {
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
