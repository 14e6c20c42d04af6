import Foundation

/// Runs a program to its end.
struct Program {
    var status: Int32
    var output: String
    var error: String

    struct NotBuilt: Error {
        var name: String
    }

    static func run(
        _ path: String,
        _ arguments: [String],
        input: [UInt8] = [],
        environment: [String: String]? = nil,
        folder: String? = nil
    ) throws -> Program {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        if let environment { process.environment = environment }
        if let folder { process.currentDirectoryURL = URL(filePath: folder) }
        // Files, not pipes: nobody has to read while the program runs.
        let scratch = try ScratchFolder()
        try Data(input).write(to: scratch.url("in"))
        try Data().write(to: scratch.url("out"))
        try Data().write(to: scratch.url("err"))
        process.standardInput = try FileHandle(forReadingFrom: scratch.url("in"))
        process.standardOutput = try FileHandle(forWritingTo: scratch.url("out"))
        process.standardError = try FileHandle(forWritingTo: scratch.url("err"))
        try start(process)
        process.waitUntilExit()
        let signalled = process.terminationReason == .uncaughtSignal
        return Program(
            status: signalled ? 128 + process.terminationStatus : process.terminationStatus,
            output: String(decoding: try Data(contentsOf: scratch.url("out")), as: UTF8.self),
            error: String(decoding: try Data(contentsOf: scratch.url("err")), as: UTF8.self)
        )
    }

    /// Starts with no signal blocked: a thread of the test runner blocks SIGCHLD among others, a new process inherits that, and
    /// a shell would then wait for its children for ever.
    private static func start(_ process: Process) throws {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
    }

    /// A product of this package: it lies beside the running test.
    static func product(_ name: String) throws -> String {
        let test = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var folders = [URL(filePath: test).deletingLastPathComponent()]
        if let bundle = CommandLine.arguments.first(where: { $0.hasSuffix(".xctest") }) {
            folders.append(URL(filePath: bundle).deletingLastPathComponent())
        }
        for folder in folders {
            let path = folder.appending(path: name).path(percentEncoded: false)
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw NotBuilt(name: "\(name), beside \(test)")
    }
}

/// A folder that goes away with the value.
final class ScratchFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "evidence-tests-\(UUID().uuidString)")
            .path(percentEncoded: false)
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
    }

    func url(_ name: String) -> URL { URL(filePath: path).appending(path: name) }

    func path(_ name: String) -> String { path + "/" + name }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            // A deinit cannot throw; what is left is below the folder for temporary files.
            print("left behind: \(path): \(error)")
        }
    }
}
