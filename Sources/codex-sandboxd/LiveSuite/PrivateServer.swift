import Glibc
import SandboxCLI
import SandboxPlan

/// A server of this installation for one scenario: own settings, database, records and workspaces, on a socket in a folder that goes
/// when it does.
struct PrivateServer: ~Copyable {
    /// The server's folder of workspaces.
    let workspaces: OSString
    /// The folder of its records.
    let state: OSString
    let api: SuiteAPI
    private let process: SuiteProcess
    private let log: OSString

    /// For its start and its end, in milliseconds.
    private static let patience: UInt64 = 20_000
    /// The name of the policy that no kernel fulfils.
    static let impossiblePolicy = "live-suite-impossible"
    /// The highest ABI that a policy can name; Landlock of today has a tenth of that.
    static let impossibleABI = 99

    /// Starts it, and waits until it answers.
    ///
    /// - Parameters:
    ///   - folder: where a folder of its own is made.
    ///   - name: of that folder.
    ///   - fault: the number of the system call that fails for the server and all that it starts.
    ///   - timeout: for one job, in milliseconds.
    /// - Throws: when it does not answer, with what it said.
    init(in folder: borrowing TemporaryFolder, name: String, fault: Int, timeout: UInt64) throws(SuiteError) {
        _ = try folder.folder(name)
        let workspaces = try folder.folder("\(name)/workspaces")
        let home = try folder.folder("\(name)/home")
        let settings = try folder.folder("\(name)/config")
        let state = try folder.folder("\(name)/state")
        try PrivateServer.writePolicy(try folder.folder("\(name)/config/codex-sandbox/policies"))
        let own = folder.path.appending(OSString(name))
        let log = own.appending("log")
        let socket = own.appending("s")
        let dotEnv = own.appending("env")
        try PrivateServer.write(dotEnv, "")
        let launcher: OSString
        do throws(ServeError) { launcher = try OwnExecutables.launcher() } catch { throw SuiteError(error.text) }
        func setting(_ key: String, _ value: OSString) -> OSString { OSString(Array("\(key)=".utf8) + value.bytes) }
        let environment = [
            setting("HOME", home), setting("XDG_CONFIG_HOME", settings),
            setting("XDG_STATE_HOME", state),
            setting("XDG_CACHE_HOME", try folder.folder("\(name)/cache")), "PATH=/usr/bin:/bin", "LANG=C.UTF-8",
        ]
        let arguments: [OSString] = [
            try PrivateServer.ownPath(), "live-suite-fault", OSString("\(fault)"), "--", launcher, "serve", "--worker",
            "minimal",
            "--listen", OSString(Array("unix:".utf8) + socket.bytes),
            "--database", OSString(Array("sqlite:///".utf8) + own.appending("codex.db").bytes), "--workspace-root",
            workspaces,
            // Empty: no `.env` of the current folder is read.
            "--env-file", dotEnv,
        ]
        let output = log.withCString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600) }
        guard output >= 0 else { throw SuiteError("\(log) cannot be made: \(ErrnoName.described(errno))") }
        defer { close(output) }
        let client = SuiteClient(address: .unix(socket), token: nil)
        let process = try SuiteProcess.start(arguments, environment: environment, output: output)
        do throws(SuiteError) {
            try PrivateServer.waitUntilReady(process, client)
        } catch {
            process.stop(within: PrivateServer.patience)
            throw SuiteError("the private server does not start: \(error.text); it says: \(PrivateServer.tail(log))")
        }
        self.workspaces = workspaces
        self.state = state.appending("codex-sandbox")
        self.log = log
        self.process = process
        api = SuiteAPI(client: client, timeout: timeout)
    }

    deinit { process.stop(within: PrivateServer.patience) }

    /// Its last words, on one line.
    var lastWords: String { PrivateServer.tail(log) }

    private static func waitUntilReady(_ process: SuiteProcess, _ client: SuiteClient) throws(SuiteError) {
        let deadline = Deadline(milliseconds: patience)
        while true {
            if let end = try process.end() { throw SuiteError(end) }
            do throws(SuiteError) {
                let answer = try client.send("GET", "/healthz", body: nil, within: 2000)
                guard answer.status == 200 else { throw SuiteError("GET /healthz is answered with \(answer.status)") }
                return
            } catch {
                if deadline.isPast { throw error }
            }
            try SuiteWait.pause(milliseconds: 20)
        }
    }

    private static func writePolicy(_ folder: OSString) throws(SuiteError) {
        let text = """
            version = 1
            extends = "codex-worker"
            description = "Asks for a Landlock that no kernel has."

            [landlock]
            minimum_abi = \(impossibleABI)

            """
        let file = folder.appending(OSString("\(impossiblePolicy).toml"))
        try write(file, text)
    }

    private static func write(_ file: OSString, _ text: String) throws(SuiteError) {
        let number = file.withCString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600) }
        guard number >= 0 else { throw SuiteError("\(file) cannot be made: \(ErrnoName.described(errno))") }
        defer { close(number) }
        let bytes = Array(text.utf8)
        guard Glibc.write(number, bytes, bytes.count) == bytes.count else {
            throw SuiteError("\(file) cannot be written")
        }
    }

    private static func ownPath() throws(SuiteError) -> OSString {
        guard let own = realpath("/proc/self/exe", nil) else {
            throw SuiteError("where this program is cannot be found (\(ErrnoName.described(errno))); is /proc mounted?")
        }
        defer { free(own) }
        return OSString(UnsafeRawBufferPointer(start: own, count: strlen(own)))
    }

    private static func tail(_ log: OSString) -> String {
        let number = log.withCString { open($0, O_RDONLY | O_CLOEXEC) }
        guard number >= 0 else { return "nothing" }
        defer { close(number) }
        let length = 1000
        lseek(number, max(0, lseek(number, 0, SEEK_END) - length), SEEK_SET)
        var bytes = [UInt8](repeating: 0, count: length)
        let count = read(number, &bytes, length)
        return SuiteText.line(String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self))
    }
}
