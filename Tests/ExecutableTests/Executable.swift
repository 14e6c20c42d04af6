import Foundation
import Testing

/// The executable of the same build as the tests, run as a person would.
struct Executable {
    struct Answer {
        let status: Int32
        let output: Data
        let error: String

        var text: String { String(decoding: output, as: UTF8.self) }
    }

    /// Beside the test runner.
    static func path() throws -> String {
        let own = URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let path = own.deletingLastPathComponent().appending(path: "codex-sandbox").path
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) is not built")
        return path
    }

    static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Answer {
        try start(try path(), arguments, environment)
    }

    /// Runs a shell line in which `$0` is the executable.
    static func shell(_ line: String) throws -> Answer {
        try start("/bin/sh", ["-c", line, try path()], [:])
    }

    /// As `shell`, in a user namespace as an ordinary user who has every capability in it.
    static func shellInNamespace(_ line: String) throws -> Answer {
        let unshare = ["--user", "--map-user=1000", "--map-group=1000", "--keep-caps", "--mount"]
        return try start("/usr/bin/unshare", unshare + ["/bin/sh", "-c", line, try path()], [:])
    }

    private static func start(
        _ path: String,
        _ arguments: [String],
        _ environment: [String: String]
    ) throws -> Answer {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        let error = Pipe()
        process.standardOutput = output
        process.standardError = error
        process.standardInput = FileHandle.nullDevice
        try process.run()
        // Small answers: neither pipe fills while the other is read.
        let outputBytes = output.fileHandleForReading.readDataToEndOfFile()
        let errorBytes = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationReason == .exit, "ended by signal \(process.terminationStatus)")
        return Answer(
            status: process.terminationStatus,
            output: outputBytes,
            error: String(decoding: errorBytes, as: UTF8.self)
        )
    }
}
