internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// Where this program keeps what is its own (design: names and places).
public struct OwnFolders: Hashable, Sendable {
    /// Records, ledgers.
    public var state: OSString
    /// Compiled policies; nil when nothing names a place.
    public var cache: OSString?
    /// Settings and the user's policies; nil when nothing names a place.
    public var settings: OSString?

    /// - Parameter options: flags and environment.
    /// - Throws: `Refusal` when no state folder is known: a launch without a record is none.
    public init(_ options: LaunchOptions) throws(Refusal) {
        do throws(EvidenceError) {
            state = try StateFolder.path(flag: options.stateFolder, environment: options.environment)
        } catch { throw error.refusal }
        (cache, settings) = OwnFolders.withoutState(options)
    }

    /// Cache and settings alone: for commands that launch nothing.
    static func withoutState(_ options: LaunchOptions) -> (cache: OSString?, settings: OSString?) {
        let home = OwnFolders.home(options)
        func place(_ own: String, _ xdg: String, _ below: String) -> OSString? {
            if let path = options.variable(own), path.isAbsolute { return path.normalised }
            if let path = options.variable(xdg), path.isAbsolute { return path.normalised?.appending("codex-sandbox") }
            return home?.appending(OSString(below)).appending("codex-sandbox").normalised
        }
        return (
            cache: place("CODEX_SANDBOX_CACHE_DIR", "XDG_CACHE_HOME", ".cache"),
            settings: place("CODEX_SANDBOX_CONFIG", "XDG_CONFIG_HOME", ".config")
        )
    }

    /// The folder of settings as an environment names it, `NAME=VALUE` each; nil when nothing names one.
    public static func settings(environment: [OSString]) -> OSString? {
        let options = LaunchOptions(
            arguments: [],
            environment: environment,
            policy: .named("workspace-write"),
            closedStreams: 0
        )
        return withoutState(options).settings
    }

    /// All of them under both names, for comparing with what the job gets to see.
    var all: [ResolvedPath] {
        get throws(Refusal) {
            var all = [try OwnFolders.resolved(state)]
            if let cache { all.append(try OwnFolders.resolved(cache)) }
            if let settings { all.append(try OwnFolders.resolved(settings)) }
            return all
        }
    }

    /// HOME and the account's home, each once; a home that is no path is none.
    static func homes(_ options: LaunchOptions, account: OSString) throws(Refusal) -> [ResolvedPath] {
        var homes: [ResolvedPath] = []
        let named = options.variable("HOME")
        if let named, named.isAbsolute { homes.append(try resolved(named)) }
        if account.isAbsolute, account != named { homes.append(try resolved(account)) }
        return homes
    }

    private static func resolved(_ path: OSString) throws(Refusal) -> ResolvedPath {
        do throws(SyscallError) {
            let real = try RealPath.of(path)
            // With a `..` in it the text says nothing: then only the real path counts.
            return ResolvedPath(written: path.normalised ?? real, real: real)
        } catch {
            throw Refusal(
                stage: "plan",
                step: error.call,
                subject: path.description,
                errno: error.errno,
                message: "where \(path) really is could not be found out, and the job must not see it",
                remedy: "see that the path can be followed, or name another by the variable or option it came from",
                layer: .mounts
            )
        }
    }

    /// HOME, else the account's; nil when neither is a path.
    static func home(_ options: LaunchOptions) -> OSString? {
        if let home = options.variable("HOME"), home.isAbsolute { return home }
        do throws(SyscallError) {
            guard let home = try Accounts.account(uid: geteuid())?.home, home.isAbsolute else { return nil }
            return home
        } catch {
            return nil  // no account file: then only the folders below HOME are unknown, and their users say so
        }
    }
}
