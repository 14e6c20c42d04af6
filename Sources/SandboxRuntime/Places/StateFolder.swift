internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// Where records and other lasting state of ours are kept.
///
/// In this order: `--state-dir`; `CODEX_SANDBOX_STATE_DIR`; `$XDG_STATE_HOME/codex-sandbox`;
/// `$HOME/.local/state/codex-sandbox`; the same below the account's home of `/etc/passwd`. A variable that is empty, or of
/// XDG and HOME relative, counts as unset (XDG Base Directory Specification).
public enum StateFolder {
    /// The folder's absolute path; the folder itself is not looked at, and nothing is made.
    ///
    /// - Parameters:
    ///   - flag: value of `--state-dir`, nil without one; relative to the current folder.
    ///   - environment: the caller's, `NAME=VALUE` each.
    /// - Returns: the path, normalised.
    /// - Throws: `EvidenceError` when none of them names a folder; the remedy names `--state-dir`.
    public static func path(flag: OSString?, environment: [OSString]) throws(EvidenceError) -> OSString {
        try path(flag: flag, environment: environment) { () throws(SyscallError) in
            try Accounts.account(uid: geteuid())?.home
        }
    }

    static func path(
        flag: OSString?,
        environment: [OSString],
        home: () throws(SyscallError) -> OSString?
    ) throws(EvidenceError) -> OSString {
        if let flag { return try chosen(flag, by: "--state-dir", relativeAllowed: true) }
        if let own = value("CODEX_SANDBOX_STATE_DIR", in: environment), !own.isEmpty {
            return try chosen(own, by: "CODEX_SANDBOX_STATE_DIR", relativeAllowed: false)
        }
        if let xdg = value("XDG_STATE_HOME", in: environment), xdg.isAbsolute {
            return try normalised(xdg, from: "XDG_STATE_HOME").appending("codex-sandbox")
        }
        if let home = value("HOME", in: environment), home.isAbsolute {
            return try inside(home, from: "HOME")
        }
        return try inside(try known(home), from: "/etc/passwd")
    }

    private static func known(_ account: () throws(SyscallError) -> OSString?) throws(EvidenceError) -> OSString {
        let home: OSString?
        do throws(SyscallError) {
            home = try account()
        } catch {
            throw EvidenceError(
                action: "read",
                subject: OSString(error.subject),
                call: error.call,
                errno: error.errno,
                remedy: "set HOME, or name a folder with --state-dir DIR"
            )
        }
        guard let home, home.isAbsolute else {
            throw EvidenceError(
                action: "find a folder for records in",
                subject: "/etc/passwd",
                cause: "uid \(geteuid()) has no home there, and XDG_STATE_HOME and HOME are unset or relative",
                remedy: "name a folder with --state-dir DIR"
            )
        }
        return home
    }

    private static func chosen(
        _ path: OSString,
        by what: String,
        relativeAllowed: Bool
    ) throws(EvidenceError) -> OSString {
        if path.isAbsolute { return try normalised(path, from: what) }
        guard relativeAllowed, !path.isEmpty else {
            throw EvidenceError(
                action: "use the state folder",
                subject: path,
                cause: "\(what) is not an absolute path",
                remedy: "give an absolute path"
            )
        }
        guard let current = getcwd(nil, 0) else {
            let code = errno
            throw EvidenceError(
                action: "find the current folder for",
                subject: path,
                call: "getcwd",
                errno: code,
                remedy: "give an absolute path to --state-dir"
            )
        }
        defer { free(current) }
        let folder = OSString(UnsafeRawBufferPointer(start: current, count: strlen(current)))
        return try normalised(folder.appending(path), from: what)
    }

    private static func inside(_ home: OSString, from what: String) throws(EvidenceError) -> OSString {
        try normalised(home, from: what).appending(".local").appending("state").appending("codex-sandbox")
    }

    private static func normalised(_ path: OSString, from what: String) throws(EvidenceError) -> OSString {
        guard let path = path.normalised, path != "/" else {
            throw EvidenceError(
                action: "use the state folder",
                subject: path,
                cause: "\(what) is / or has a .. in it",
                remedy: "give an absolute path without .., for example with --state-dir DIR"
            )
        }
        return path
    }

    /// The value of the first entry of this name, as getenv(3) finds it.
    static func value(_ name: OSString, in environment: [OSString]) -> OSString? {
        let prefix = name.bytes + [UInt8(ascii: "=")]
        guard let entry = environment.first(where: { $0.bytes.starts(with: prefix) }) else { return nil }
        return OSString(entry.bytes.dropFirst(prefix.count))
    }
}
