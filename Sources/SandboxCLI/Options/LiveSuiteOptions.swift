public import SandboxPlan

/// What `live-suite` was asked for; `codex-sandboxd` does it.
public struct LiveSuiteOptions: Hashable, Sendable {
    /// Nil: `BASE_URL`, else `http://localhost:8000`.
    public var address: LiveSuiteAddress?
    /// Nil: `OUTROOT`, else `docs/evidence`.
    public var out: OSString?
    /// The smoke set M01…M09 instead of the ladder L01…L09.
    public var mocked = false
    /// A file with the token in its first line.
    public var tokenFile: OSString?
    /// Nil: where the server says that a workspace is, seen from the current folder.
    public var workspaceRoot: OSString?
    public var stateDirectory: OSString?
    /// How long one job may take, 1 s … 24 h; the long one of L08 twice that.
    public var timeout = TimeSpan.seconds(300)

    public static let defaultAddress = LiveSuiteAddress.host("localhost", port: 8000, prefix: "")
    public static let defaultOut: OSString = "docs/evidence"
    private static let timeouts: ClosedRange<UInt64> = 1000...86_400_000

    public init() {}

    static let table: [Option<LiveSuiteOptions>] = [
        .single(
            "--base-url",
            .text("URL"),
            "The server: http://HOST:PORT or unix:/PATH.",
            default: "$BASE_URL, or http://localhost:8000",
            parse: { (word) throws(BadValue) in
                do throws(LiveSuiteAddress.Problem) {
                    return try LiveSuiteAddress(word)
                } catch { throw BadValue(why: error.why) }
            },
            set: { $0.address = $1 }
        ),
        .single(
            "--out",
            .folder,
            "Folder of the results, one folder in it for each run.",
            default: "$OUTROOT, or docs/evidence",
            parse: OptionValue.path,
            set: { $0.out = $1 }
        ),
        .flag("--mocked", "The smoke set M01 to M09, which the dummy worker passes too.") { $0.mocked = true },
        .single(
            "--token-file",
            .file,
            "File whose first line is the token that the server wants.",
            parse: OptionValue.path,
            set: { $0.tokenFile = $1 }
        ),
        .single(
            "--workspace-root",
            .folder,
            "The folder of the projects' folders, where it is on this machine.",
            default: "as the server says",
            parse: OptionValue.path,
            set: { $0.workspaceRoot = $1 }
        ),
        .single(
            "--state-dir",
            .folder,
            "Folder of the server's records.",
            default: "$XDG_STATE_HOME/codex-sandbox",
            parse: OptionValue.path,
            set: { $0.stateDirectory = $1 }
        ),
        .single(
            "--timeout",
            .time,
            "How long one job may take; the long one of L08 twice that.",
            default: "5m",
            parse: OptionValue.time(in: timeouts),
            set: { $0.timeout = $1 }
        ),
    ]

    /// Reads what follows `live-suite`; nil when help is asked for.
    public static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> LiveSuiteOptions? {
        var options = LiveSuiteOptions()
        let parser = OptionParser(command: .liveSuite, options: { table })
        guard case .words(let words) = try parser.parse(arguments, plainWord: .isCollected, into: &options) else {
            return nil
        }
        if let word = words.first { throw UsageError(.unexpectedArgument(word), command: .liveSuite) }
        return options
    }
}

/// Where the server of a suite is: `http://HOST[:PORT][/PREFIX]` or `unix:/PATH`.
public enum LiveSuiteAddress: Hashable, Sendable {
    /// An IPv6 address stands here without its brackets. The prefix is empty, or begins with a slash and does not end in one.
    case host(String, port: UInt16, prefix: String)
    case unix(OSString)

    public struct Problem: Error, Hashable, Sendable {
        /// A sentence.
        public let why: String
    }

    /// As in `sockaddr_un`, without the NUL.
    public static let longestSocketPath = 107

    public init(_ word: OSString) throws(Problem) {
        guard let text = word.utf8, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw Problem(why: "It has bytes that no URL has.")
        }
        if text.hasPrefix("unix:") {
            let path = OSString(String(text.dropFirst("unix:".count)))
            guard path.isAbsolute, path.bytes.count <= Self.longestSocketPath else {
                throw Problem(why: "Write unix: and an absolute path of at most \(Self.longestSocketPath) bytes.")
            }
            self = .unix(path)
            return
        }
        guard text.hasPrefix("http://") else {
            throw Problem(why: "Write http://HOST:PORT or unix:/PATH; there is no TLS here.")
        }
        let rest = text.dropFirst("http://".count)
        let authority = rest.prefix { $0 != "/" }
        let (host, port) = try Self.split(authority)
        var prefix = rest.dropFirst(authority.count)
        while prefix.last == "/" { prefix.removeLast() }
        guard prefix.utf8.allSatisfy({ OptionValue.isLetterOrDigit($0) || "/-._~".utf8.contains($0) }) else {
            throw Problem(why: "The path may have letters, digits and /-._~ only.")
        }
        self = .host(host, port: port, prefix: String(prefix))
    }

    private static func split(_ authority: Substring) throws(Problem) -> (host: String, port: UInt16) {
        let host: Substring
        let rest: Substring
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { throw Problem(why: "A ] is missing.") }
            host = authority[authority.index(after: authority.startIndex)..<end]
            rest = authority[authority.index(after: end)...]
            guard !host.isEmpty, host.utf8.allSatisfy({ "0123456789abcdefABCDEF:.".utf8.contains($0) }) else {
                throw Problem(why: "Between [ and ] stands an IPv6 address.")
            }
        } else {
            host = authority.prefix { $0 != ":" }
            rest = authority[host.endIndex...]
            guard !host.isEmpty, host.utf8.allSatisfy({ OptionValue.isLetterOrDigit($0) || "-._".utf8.contains($0) })
            else {
                throw Problem(why: "The host may have letters, digits, dots, hyphens and underscores only.")
            }
        }
        if rest.isEmpty { return (String(host), 80) }
        guard rest.first == ":",
            let port = OptionValue.digits(OSString(String(rest.dropFirst()))).flatMap({ UInt16(exactly: $0) }),
            port > 0
        else { throw Problem(why: "The port is a number from 1 to 65535.") }
        return (String(host), port)
    }

    /// Whether only a server of this machine can be there: a unix socket, `localhost`, or a loopback address.
    public var isOfThisMachine: Bool {
        switch self {
        case .unix: true
        case .host(let host, _, _):
            // RFC 6761, 6.3; RFC 1122, 3.2.1.3; RFC 4291, 2.5.3 and 2.5.5.2.
            host.lowercased() == "localhost" || host == "::1" || Self.isLoopback(host)
                || host.lowercased().hasPrefix("::ffff:") && Self.isLoopback(String(host.dropFirst("::ffff:".count)))
        }
    }

    /// `127.` and three more numbers; a name that begins so is none.
    private static func isLoopback(_ host: String) -> Bool {
        host.hasPrefix("127.") && host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }
    }

    /// What a Host field says (RFC 9112, 3.2).
    public var hostField: String {
        switch self {
        case .unix: "localhost"
        case .host(let host, let port, _): (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
        }
    }

    /// Stands before every path of a request.
    public var prefix: String {
        switch self {
        case .unix: ""
        case .host(_, _, let prefix): prefix
        }
    }
}

extension LiveSuiteAddress: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .host(_, _, let prefix): "http://\(hostField)\(prefix)"
        }
    }
}
