internal import CShims
internal import Glibc
internal import SandboxCLI
internal import SandboxPlan

/// What the acts of `verify` are about: a workspace, files beside it, listeners, a process, a key.
///
/// All of it is gone with the value.
final class VerifyPlace {
    /// `nobody`, as whom root's launches in a workspace of his run.
    static let unprivileged: uid_t = 65534
    /// The descriptor that is left open for the attempts.
    static let leftOpen: Int32 = 9
    static let variable: OSString = "CODEX_SANDBOX_VERIFY_TOKEN"

    /// Fifteen digits that nobody else knows: whoever shows them has seen what he must not see.
    let token: String
    private let base: OSString
    var workspace: OSString { base.appending("workspace") }
    private var outside: OSString { base.appending("outside") }
    var program: OSString { workspace.appending("codex-sandbox-attempt") }
    var secret: OSString { outside.appending("secret") }
    var secretLink: OSString { workspace.appending("secret-link") }
    var target: OSString { outside.appending("target") }
    var targetLink: OSString { workspace.appending("target-link") }
    var created: OSString { outside.appending("created") }
    var mountPoint: OSString { workspace.appending("folder") }
    var hook: OSString { workspace.appending(".git").appending("hooks").appending("pre-commit") }
    var socketPath: OSString { outside.appending("socket") }
    var abstractName: String { "codex-sandbox-verify-\(token)" }
    var keyName: String { "codex-sandbox-verify-\(token)" }

    private(set) var tcp: Int32 = -1
    private(set) var tcpPort: Int32 = 0
    private(set) var udp: Int32 = -1
    private(set) var udpPort: Int32 = 0
    private(set) var socket: Int32 = -1
    private(set) var abstract: Int32 = -1
    private(set) var canary: Int32 = 0
    private(set) var terminal: (master: Int32, slave: Int32) = (-1, -1)
    private var key: Int = -1
    private var pageAddressNumber: UInt = 0

    init() throws(Refusal) {
        var digits = [CChar](repeating: 0, count: 16)
        try VerifyPlace.check(cs_token(&digits, digits.count), "getrandom", "a token")
        token = String(decoding: digits.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        base = try VerifyPlace.folder()
        try makeFiles()
        try makeSockets()
        startCanary()
        guard canary > 0 else { throw VerifyPlace.refusal("fork", "a process", -Int(canary)) }
        // Where the host has no keyrings, and no more terminals, there is no control for their acts.
        key = cs_key_add(keyName, token)
        var pair: [Int32] = [-1, -1]
        if cs_terminal(&pair) == 0 { terminal = (pair[0], pair[1]) }
    }

    deinit {
        if canary > 0 && canaryLives { cs_canary_end(canary) }
        if key >= 0 { cs_key_remove(key) }
        for descriptor in [tcp, udp, socket, abstract, terminal.master, terminal.slave] where descriptor >= 0 {
            close(descriptor)
        }
        let code = cs_remove_tree(FactFile.cString(base))
        if code < 0 {
            Output.say(OwnWords.lines(["\(base) cannot be removed: \(ErrnoName.described(Int32(-code)))."]))
        }
    }

    // MARK: - Files

    private static func folder() throws(Refusal) -> OSString {
        // The real path: a workspace that is reached through a link is refused.
        guard let temporary = realpath("/tmp", nil) else { throw refusal("realpath", "/tmp", Int(errno)) }
        defer { free(temporary) }
        var name = Array(UnsafeBufferPointer(start: temporary, count: strlen(temporary)))
        name += "/codex-sandbox-verify-XXXXXX".utf8CString
        guard mkdtemp(&name) != nil else { throw refusal("mkdtemp", "/tmp", Int(errno)) }
        guard chmod(name, 0o755) == 0 else { throw refusal("chmod", "/tmp", Int(errno)) }
        return OSString(name.dropLast().map { UInt8(bitPattern: $0) })
    }

    private func makeFiles() throws(Refusal) {
        // As a server makes it for its workers: under `codex-worker` a job may write this file alone in its protected folder.
        let exchange = workspace.appending(".codex")
        for folder in [workspace, outside, mountPoint, workspace.appending(".git"), hook.parent, exchange] {
            guard mkdir(FactFile.cString(folder), 0o700) == 0, FactFile.give(folder) else {
                throw VerifyPlace.refusal("mkdir", folder.description, Int(errno))
            }
        }
        // What git takes for a repository.
        let head = workspace.appending(".git").appending("HEAD")
        let config = workspace.appending(".git").appending("config")
        let files: [(OSString, [UInt8], mode_t)] = [
            (secret, Array((token + "\n").utf8), 0o600), (target, FactFile.content, 0o600),
            (head, Array("ref: refs/heads/main\n".utf8), 0o600), (config, Array("[core]\n".utf8), 0o600),
            (exchange.appending("result.json"), [], 0o600), (program, try VerifyPlace.ownProgram(), 0o755),
        ]
        for (path, bytes, mode) in files {
            guard FactFile.make(path, bytes, mode: mode) else {
                throw VerifyPlace.refusal("open", path.description, Int(errno))
            }
        }
        for (link, target) in [(secretLink, secret), (targetLink, target)] {
            guard symlink(FactFile.cString(target), FactFile.cString(link)) == 0, FactFile.give(link) else {
                throw VerifyPlace.refusal("symlink", link.description, Int(errno))
            }
        }
    }

    /// This executable: inside it has to be somewhere that the sandbox shows.
    private static func ownProgram() throws(Refusal) -> [UInt8] {
        let file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw refusal("open", "/proc/self/exe", Int(errno)) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(file, &piece, piece.count)
            guard count >= 0 else { throw refusal("read", "/proc/self/exe", Int(errno)) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
    }

    // MARK: - Listeners and a process

    private func makeSockets() throws(Refusal) {
        tcp = try VerifyPlace.check(cs_listen_tcp(&tcpPort), "bind", "127.0.0.1")
        udp = try VerifyPlace.check(cs_listen_udp(&udpPort), "bind", "127.0.0.1")
        socket = try VerifyPlace.check(cs_listen_unix(FactFile.cString(socketPath)), "bind", socketPath.description)
        abstract = try VerifyPlace.check(cs_listen_abstract(abstractName), "bind", abstractName)
    }

    static func wasReached(_ listener: Int32) -> Bool { cs_was_reached(listener) == 1 }

    /// The process that others are to be kept from, in the place of one that is gone.
    func startCanary() {
        if canary > 0 && canaryLives { return }
        var shared: UnsafeMutablePointer<UInt8>?
        canary = Int32(cs_canary(token, VerifyPlace.unprivileged, &shared))
        pageAddressNumber = UInt(bitPattern: shared)
    }

    var canaryLives: Bool { cs_canary_lives(canary) == 1 }

    /// Memory that it shares with us.
    var page: UnsafeMutablePointer<UInt8> {
        guard let page = UnsafeMutablePointer<UInt8>(bitPattern: pageAddressNumber) else {
            preconditionFailure("a place without its process is none")
        }
        return page
    }

    var pageAddress: OSString { OSString(String(pageAddressNumber, radix: 16)) }

    // MARK: -

    @discardableResult
    private static func check(_ result: Int, _ call: String, _ subject: String) throws(Refusal) -> Int32 {
        guard result >= 0 else { throw refusal(call, subject, -result) }
        return Int32(result)
    }

    private static func refusal(_ call: String, _ subject: String, _ errno: Int) -> Refusal {
        Refusal(
            stage: "verify",
            step: call,
            subject: subject,
            errno: Int32(errno),
            message: "What the acts are judged by cannot be made.",
            remedy: "See that /tmp can be written to and has room; `codex-sandbox doctor` says more of the host."
        )
    }
}
