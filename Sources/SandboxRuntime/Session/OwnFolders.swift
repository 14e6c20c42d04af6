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
    /// Whether our own variable names the settings: then they have to be there.
    private let areSettingsNamed: Bool

    /// - Parameter options: flags and environment.
    /// - Throws: `Refusal` when no state folder is known: a launch without a record is none; or when a variable
    ///   names no folder.
    public init(_ options: LaunchOptions) throws(Refusal) {
        do throws(EvidenceError) {
            state = try StateFolder.path(flag: options.stateFolder, environment: options.environment)
        } catch { throw error.refusal }
        cache = try OwnFolders.cache(options)
        settings = try OwnFolders.settings(options)
        areSettingsNamed = OwnFolders.isSet(OwnFolders.settingsVariable, options)
    }

    /// Before a policy is looked for, and behind the point from which on a refusal is recorded.
    ///
    /// - Parameter policy: what is to be read.
    /// - Throws: `Refusal` for settings that are there and would not be read: who made them means something else than what would run.
    func checkSettings(for policy: PolicyReference) throws(Refusal) {
        if let settings { try SettingsFolder.check(settings, isNamed: areSettingsNamed, for: policy) }
    }

    /// Cache and settings alone: for commands that launch nothing.
    ///
    /// - Parameters:
    ///   - options: environment.
    ///   - policy: what is to be read; nil for every policy there is.
    /// - Returns: nil each where nothing names a place.
    /// - Throws: `Refusal` for a variable that names no folder, and as `checkSettings`.
    static func withoutState(
        _ options: LaunchOptions,
        for policy: PolicyReference?
    ) throws(Refusal) -> (cache: OSString?, settings: OSString?) {
        let settings = try settings(options)
        if let settings { try SettingsFolder.check(settings, isNamed: isSet(settingsVariable, options), for: policy) }
        return (try cache(options), settings)
    }

    private static let settingsVariable = "CODEX_SANDBOX_CONFIG"

    /// Of compiled policies; nil when nothing names a place.
    static func cache(_ options: LaunchOptions) throws(Refusal) -> OSString? {
        try place("CODEX_SANDBOX_CACHE_DIR", "XDG_CACHE_HOME", ".cache", options)
    }

    private static func settings(_ options: LaunchOptions) throws(Refusal) -> OSString? {
        try place(settingsVariable, "XDG_CONFIG_HOME", ".config", options)
    }

    /// Set to nothing counts as unset.
    private static func isSet(_ name: String, _ options: LaunchOptions) -> Bool {
        guard let value = options.variable(name) else { return false }
        return !value.isEmpty
    }

    /// Our own variable has to be right; one of XDG's that is relative counts as unset (XDG Base Directory Specification).
    private static func place(
        _ own: String,
        _ xdg: String,
        _ below: String,
        _ options: LaunchOptions
    ) throws(Refusal) -> OSString? {
        if isSet(own, options), let path = options.variable(own) {
            return try normalised(path, own, isWhole: true)
        }
        if let path = options.variable(xdg), path.isAbsolute {
            return try normalised(path, xdg).appending("codex-sandbox")
        }
        guard let home = home(options) else { return nil }
        return try normalised(home, "HOME").appending(OSString(below)).appending("codex-sandbox")
    }

    private static func normalised(_ path: OSString, _ name: String, isWhole: Bool = false) throws(Refusal) -> OSString
    {
        guard path.isAbsolute, let normal = path.normalised, !isWhole || normal != "/" else {
            let why = !path.isAbsolute ? "is not an absolute path" : path.normalised == nil ? "has a .. in it" : "is /"
            throw Refusal(
                stage: "policy",
                subject: name,
                message: "\(name) \(why): \(path)",
                remedy: "give it an absolute path without .., or unset it"
            )
        }
        return normal
    }

    /// The folder of settings as an environment names it, `NAME=VALUE` each; nil when nothing names one.
    ///
    /// It need not be there.
    ///
    /// - Throws: `Refusal` for a variable that names no folder.
    public static func settings(environment: [OSString]) throws(Refusal) -> OSString? {
        let options = LaunchOptions(
            arguments: [],
            environment: environment,
            policy: .named("workspace-write"),
            closedStreams: 0
        )
        return try settings(options)
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
