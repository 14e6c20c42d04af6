public import SandboxPlan

/// One of our own folders below the user's, found as the XDG Base Directory Specification says.
public enum OwnFolder: Hashable, Sendable, CaseIterable {
    /// Records, trust.
    case state
    /// Compiled policies.
    case cache

    /// The folder's path: flag, our own variable, XDG's variable, HOME, the account's home; nil when none says one.
    ///
    /// A variable that is empty or relative counts as unset. `accountHome` is asked only when nothing else helps.
    public func path(flag: OSString?, environment: [OSString], accountHome: () -> OSString?) -> OSString? {
        if let flag { return flag }
        if let own = OwnFolder.absolute(variable, in: environment) { return own }
        if let base = OwnFolder.absolute(xdgVariable, in: environment) { return base.appending("codex-sandbox") }
        guard let home = OwnFolder.absolute("HOME", in: environment) ?? accountHome(), home.isAbsolute else {
            return nil
        }
        return belowHome.components.reduce(home) { $0.appending($1) }.appending("codex-sandbox")
    }

    /// Its row in doctor's table.
    public var rowName: String {
        switch self {
        case .state: "state-folder"
        case .cache: "cache-folder"
        }
    }

    /// What names another folder, for a remedy.
    public var setting: String {
        switch self {
        case .state: "--state-dir"
        case .cache: "CODEX_SANDBOX_CACHE_DIR"
        }
    }

    private var variable: OSString {
        switch self {
        case .state: "CODEX_SANDBOX_STATE_DIR"
        case .cache: "CODEX_SANDBOX_CACHE_DIR"
        }
    }

    private var xdgVariable: OSString {
        switch self {
        case .state: "XDG_STATE_HOME"
        case .cache: "XDG_CACHE_HOME"
        }
    }

    private var belowHome: OSString {
        switch self {
        case .state: ".local/state"
        case .cache: ".cache"
        }
    }

    /// The first entry of the name, as getenv(3) finds it.
    private static func absolute(_ name: OSString, in environment: [OSString]) -> OSString? {
        let prefix = name.bytes + [UInt8(ascii: "=")]
        guard let entry = environment.first(where: { $0.bytes.starts(with: prefix) }) else { return nil }
        let value = OSString(entry.bytes.dropFirst(prefix.count))
        return value.isAbsolute ? value : nil
    }
}
