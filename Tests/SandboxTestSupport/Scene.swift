import Foundation
import Glibc

/// One workspace with the caller's home and other things of the host around it, for one run of one attempt.
///
/// Everything in it belongs to the worker's id: what is kept from the job is kept by the sandbox, not by an owner.
public final class Scene {
    public let caller: Caller
    public let workshop: Workshop
    public let folder: String
    /// A random word that must never be seen inside.
    public let token: String
    public var workspace: String { folder + "/workspace" }
    /// The caller's HOME.
    public var home: String { folder + "/home" }
    /// A folder of the host with a file `secret` that holds the token.
    public var outside: String { folder + "/outside" }
    public var secret: String { outside + "/secret" }
    /// Where the launcher keeps its records.
    public var state: String { folder + "/state" }
    /// Compiled policies, shared by all scenes of one caller.
    public var cache: String { "\(workshop.folder)/cache-\(caller.rawValue)" }
    /// What canaries hold open or running; ended with the scene.
    var canaries: [AnyObject] = []
    /// Added to the environment of both runs.
    public var environment: [String: String] = [:]

    public static let secretText = "the host's"

    public init(_ caller: Caller) throws {
        self.caller = caller
        workshop = try Workshop.shared()
        token = Scene.randomWord()
        folder = "\(workshop.folder)/\(Scene.randomWord())"
        for path in [folder, workspace, home, outside] { try makeFolder(path) }
        try write("\(Scene.secretText) \(token)\n", to: secret)
        try write("\(token)\n", to: home + "/.netrc")
        Scene.sharing.lock()
        defer { Scene.sharing.unlock() }
        for path in [state, cache] where !FileManager.default.fileExists(atPath: path) {
            try makeFolder(path)
            // The caller's own: root does not keep its records in a folder of somebody else's.
            if caller == .root { try check("chown", path, lchown(path, 0, 0)) }
            try check("chmod", path, chmod(path, 0o700))
        }
    }

    /// The scenes of one caller have these two folders in common.
    private static let sharing = NSLock()

    public static func randomWord() -> String {
        var generator = SystemRandomNumberGenerator()
        return "w" + String(generator.next(upperBound: UInt64.max), radix: 36)
    }

    /// Makes a folder that belongs to the worker.
    public func makeFolder(_ path: String) throws {
        try check("mkdir", path, mkdir(path, 0o755))
        try own(path)
    }

    /// Writes a file that belongs to the worker.
    public func write(_ text: String, to path: String, mode: UInt32 = 0o644) throws {
        if mode & 0o111 == 0 {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        } else {
            try ProgramFile.write(text, to: path)
        }
        try check("chmod", path, chmod(path, mode))
        try own(path)
    }

    public func link(_ path: String, to target: String) throws {
        try check("symlink", path, symlink(target, path))
        try own(path)
    }

    public func own(_ path: String) throws {
        try check("lchown", path, lchown(path, Caller.worker.uid, Caller.worker.gid))
    }

    public func text(of path: String) throws -> String {
        try String(decoding: Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }

    public func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    public func status(of path: String) throws -> FileStatus {
        var status = stat()
        try check("lstat", path, lstat(path, &status))
        return FileStatus(
            mode: status.st_mode,
            owner: status.st_uid,
            group: status.st_gid,
            links: UInt64(status.st_nlink),
            inode: UInt64(status.st_ino)
        )
    }

    /// The secret as it was made.
    public func secretIsUntouched() throws -> Bool {
        let status = try status(of: secret)
        return try text(of: secret) == "\(Scene.secretText) \(token)\n" && status.mode & 0o7777 == 0o644
            && status.links == 1 && (try names(in: outside)) == ["secret"]
    }

    public func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    /// The environment that a caller with this home has.
    public var callerEnvironment: [String: String] {
        [
            "HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "XDG_STATE_HOME": state,
            "XDG_CACHE_HOME": cache,
        ].merging(environment) { $1 }
    }

    // MARK: - Running

    /// Starts a command under the keeper.
    public func start(
        _ command: [String],
        keeper: [String] = [],
        in directory: String? = nil,
        environment: [String: String]? = nil
    ) throws -> KeptProcess {
        try start(bytes: command.map { Array($0.utf8) }, keeper: keeper, in: directory, environment: environment)
    }

    /// The same with arguments in bytes.
    public func start(
        bytes command: [[UInt8]],
        keeper: [String] = [],
        in directory: String? = nil,
        environment: [String: String]? = nil
    ) throws -> KeptProcess {
        try KeptProcess(
            keeper: workshop.programs + "/keeper",
            arguments: (keeper + ["--cwd", directory ?? workspace, "--"]).map { Array($0.utf8) } + command,
            environment: (environment ?? callerEnvironment).map { Array("\($0)=\($1)".utf8) },
            // A command that is given longer is waited for longer: its end is the keeper's to judge.
            patience: max(.seconds(1000), Scene.deadline(keeper) + .seconds(60))
        )
    }

    /// How long the keeper's options give a command; none where they do not say.
    private static func deadline(_ keeper: [String]) -> Duration {
        guard let option = keeper.lastIndex(of: "--deadline"), option + 1 < keeper.count,
            let milliseconds = Int(keeper[option + 1])
        else { return .zero }
        return .milliseconds(milliseconds)
    }

    /// Runs a command to its end, as the caller or with other options of the keeper.
    public func run(_ command: [String], keeper: [String] = [], input: [UInt8] = []) throws -> RunResult {
        let process = try start(command, keeper: keeper)
        process.write(input)
        return try process.finish()
    }

    /// The launcher's command line.
    public func sandboxed(_ command: [String], options: [String] = []) -> [String] {
        [workshop.launcher, "run", "--workspace", workspace, "--read", workshop.programs] + options + ["--"] + command
    }

    /// Starts a command inside, with the caller's id.
    public func startInside(
        _ command: [String],
        options: [String] = [],
        keeper: [String] = []
    ) throws -> KeptProcess {
        try start(sandboxed(command, options: options), keeper: caller.keeperOptions + keeper)
    }

    /// Runs a command inside to its end.
    public func runInside(
        _ command: [String],
        options: [String] = [],
        keeper: [String] = [],
        input: [UInt8] = []
    ) throws -> RunResult {
        let process = try startInside(command, options: options, keeper: keeper)
        process.write(input)
        return try process.finish()
    }

    /// A program of `Tests/Programs`.
    public func program(_ name: String) -> String { "\(workshop.programs)/\(name)" }
}

/// What lstat(2) says of a file, as far as tests look at it.
public struct FileStatus: Hashable, Sendable {
    /// Kind and permissions.
    public var mode: UInt32
    public var owner: UInt32
    public var group: UInt32
    public var links: UInt64
    public var inode: UInt64
}
