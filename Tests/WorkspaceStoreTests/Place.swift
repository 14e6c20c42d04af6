import Foundation
import Testing
import WorkspaceStore

/// A folder of one test, mode 0700, that goes away with the value.
final class Place: Sendable {
    let folder: String

    init() throws {
        let base = FileManager.default.temporaryDirectory.appending(path: "workspace-store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: base,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        folder = base.path(percentEncoded: false)
    }

    deinit {
        // What is left behind is found by whoever cleans the temporary folder: a test has nothing to say of it.
        _ = try? FileManager.default.removeItem(atPath: folder)
    }

    func path(_ name: String = "codex.db") -> String { folder + "/" + name }

    func url(_ name: String = "codex.db") throws -> DatabaseURL { try DatabaseURL("sqlite:///" + path(name)) }

    func store(_ name: String = "codex.db", limits: StoreLimits = StoreLimits()) throws -> SQLiteStore {
        var options = SQLiteStore.Options()
        options.limits = limits
        options.tool = "codex-sandbox 0.0.0"
        options.busyTimeout = 500
        return try SQLiteStore(try url(name), options: options)
    }

    func administration(_ name: String = "codex.db") throws -> DatabaseAdministration {
        DatabaseAdministration(try url(name), tool: "codex-sandbox 0.0.0")
    }

    func bytes(_ name: String = "codex.db") throws -> Data { try Data(contentsOf: URL(filePath: path(name))) }

    func write(_ data: Data, _ name: String = "codex.db") throws {
        try data.write(to: URL(filePath: path(name)))
        try mode(0o600, name)
    }

    func mode(_ mode: Int, _ name: String = "codex.db") throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
    }

    /// Runs a Python program that has the database open as `db`, in transactions of its own, and commits at its end.
    @discardableResult
    func python(_ program: String, _ name: String = "codex.db") throws -> String {
        let text = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\n\(program)\ndb.commit()\ndb.close()\n"
        let result = try Running("/usr/bin/env", ["python3", "-c", text, path(name)]).end()
        guard result.status == 0 else { throw ProgramFailed(output: result.output) }
        return result.output
    }
}

struct ProgramFailed: Error {
    var output: String
}

/// A program under way, with its input and output.
final class Running {
    let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    init(_ path: String, _ arguments: [String]) throws {
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
    }

    static func writer(_ arguments: String...) throws -> Running {
        try Running(path(of: "store-writer"), arguments)
    }

    /// Of a program that is built beside the tests.
    static func path(of program: String) throws -> String {
        let test = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var folders = [URL(filePath: test).deletingLastPathComponent()]
        if let bundle = CommandLine.arguments.first(where: { $0.hasSuffix(".xctest") }) {
            folders.append(URL(filePath: bundle).deletingLastPathComponent())
        }
        for folder in folders {
            let path = folder.appending(path: program).path(percentEncoded: false)
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw ProgramFailed(output: "\(program) is not built beside \(test)")
    }

    /// Up to its next newline; empty at the end.
    func line() -> String {
        var bytes: [UInt8] = []
        while let byte = output.fileHandleForReading.readData(ofLength: 1).first, byte != 10 { bytes.append(byte) }
        return String(decoding: bytes, as: UTF8.self)
    }

    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    /// Closes its input, reads what it says until it ends.
    func end() throws -> (status: Int32, output: String) {
        try input.fileHandleForWriting.close()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}

/// The error that `body` throws; an issue if it throws none.
func storeError(_ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void) throws -> StoreError {
    do {
        try body()
    } catch let error as StoreError {
        #expect(!error.message.isEmpty && !error.remedy.isEmpty, sourceLocation: location)
        return error
    }
    Issue.record("nothing was refused", sourceLocation: location)
    throw ProgramFailed(output: "nothing was refused")
}

let someTime = StoredTime(microseconds: 1_763_140_445_123_456)

func someProject(_ offset: Int64 = 0, id: String = UUID().uuidString.lowercased()) -> Project {
    let time = StoredTime(microseconds: someTime.microseconds + offset)
    return Project(id: id, instruction: "Write a program.", status: .queued, createdAt: time, updatedAt: time)
}

func someJob(_ project: Project, _ status: JobStatus = .queued) -> Job {
    Job(
        id: UUID().uuidString.lowercased(),
        projectID: project.id,
        type: .initialProject,
        instruction: project.instruction,
        status: status,
        createdAt: project.createdAt,
        updatedAt: project.updatedAt
    )
}

func event(_ number: Int64, _ kind: JobEvent.Kind, _ text: String) -> JobEvent {
    JobEvent(number: number, kind: kind, at: someTime, data: Array(text.utf8))
}
