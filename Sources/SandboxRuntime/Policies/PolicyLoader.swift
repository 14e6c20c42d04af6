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
    /// - Returns: the compiled policy and warnings.
    /// - Throws: `Refusal` with every problem of the text.
    public func load(_ reference: PolicyReference) throws(Refusal) -> (policy: CompiledPolicy, warnings: [String]) {
        let (name, text) = try text(reference)
        return try cache.policy(name: name, text: text)
    }

    /// Name and text.
    public func text(_ reference: PolicyReference) throws(Refusal) -> (name: String, text: [UInt8]) {
        switch reference {
        case .file(let path): return (path.description, try read(path))
        case .named(let name):
            if let folder = settingsFolder {
                let path = folder.appending("policies").appending(OSString(name + ".toml"))
                if let own = try readIfThere(path) { return (name, own) }
            }
            if let builtin = BuiltinPolicy.named(name) { return (name, Array(builtin.text.bytes)) }
            throw Refusal(
                stage: "policy",
                subject: name,
                message: "there is no policy named \(OSString(name))",
                remedy: "see `codex-sandbox policy list`; a file is named by a path with a / or ending in .toml"
            )
        }
    }

    private func readIfThere(_ path: OSString) throws(Refusal) -> [UInt8]? {
        do throws(SyscallError) {
            return try FileReading.read(path, limit: PolicyLoader.limit)
        } catch {
            if error.errno == ENOENT || error.errno == ENOTDIR { return nil }
            throw PolicyLoader.unreadable(path, error)
        }
    }

    private func read(_ path: OSString) throws(Refusal) -> [UInt8] {
        do throws(SyscallError) {
            return try FileReading.read(path, limit: PolicyLoader.limit)
        } catch { throw PolicyLoader.unreadable(path, error) }
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
