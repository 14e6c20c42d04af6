import Foundation
import Testing

/// A project's folder on disk; goes with the value.
final class Project {
    let folder: String

    init() throws {
        let parent = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        folder = "\(parent)/codex-sandbox-worker-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/.codex", withIntermediateDirectories: true)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            Issue.record("could not remove \(folder): \(error)")
        }
    }

    // MARK: - Files

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path(name)))) }

    func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

    func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

    func write(_ bytes: [UInt8], to name: String) throws { try Data(bytes).write(to: URL(filePath: path(name))) }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    /// All files, without those that Python leaves behind.
    func files() throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) where !name.contains("__pycache__") {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path(name), isDirectory: &isFolder), !isFolder.boolValue
            else { continue }
            found[name] = try bytes(name)
        }
        return found
    }

    /// All files but those of the exchange.
    func sources() throws -> [String: [UInt8]] { try files().filter { !$0.key.hasPrefix(".codex/") } }

    // MARK: - Jobs

    /// What a job left, and how it ended.
    struct Outcome {
        var ending: WorkerProcess.Ending
        var result: WorkerResult
    }

    /// As the server writes it.
    static func request(_ type: String, _ instruction: String, job: String = "job-1") throws -> [UInt8] {
        let members = ["project_id": "project-1", "job_id": job, "job_type": type, "instruction": instruction]
        return [UInt8](try JSONSerialization.data(withJSONObject: members))
    }

    /// Runs one job whose request is in order.
    func job(
        _ kind: String = "minimal",
        _ type: String = "edit",
        _ instruction: String,
        environment: [String: String] = [:]
    ) throws -> Outcome {
        try write(Project.request(type, instruction), to: ".codex/request.json")
        let outcome = try run(kind, environment)
        #expect(outcome.result.jobID == "job-1")
        return outcome
    }

    func edit(_ instruction: String, environment: [String: String] = [:]) throws -> Outcome {
        try job("minimal", "edit", instruction, environment: environment)
    }

    /// Runs the worker on what is there; the result and the exit status must agree.
    func run(_ kind: String, _ environment: [String: String] = [:]) throws -> Outcome {
        let ending = try WorkerProcess.run([kind], ["WORKSPACE_DIR": folder].merging(environment) { $1 })
        try #require(ending.status == 0 || ending.status == 1, "status \(ending.status): \(ending.errors)")
        #expect(ending.errors.isEmpty)
        let result = try WorkerResult(bytes(".codex/result.json"))
        #expect(result.status == (ending.status == 0 ? "success" : "error"))
        #expect(result.errors.isEmpty == (ending.status == 0))
        #expect(ending.output == result.logs.map { $0 + "\n" }.joined())
        let left = try FileManager.default.contentsOfDirectory(atPath: path(".codex"))
        #expect(!left.contains { $0.hasPrefix(".result.json") }, "a temporary file is left: \(left)")
        return Outcome(ending: ending, result: result)
    }

    // MARK: - Python

    /// What the program prints.
    func program(_ arguments: [String] = []) throws -> WorkerProcess.Ending {
        try python(["app.py"] + arguments)
    }

    /// Runs the generated tests in ways of unittest.
    func runTests(after step: String, _ ways: [[String]] = [["discover", "-s", "tests"]]) throws {
        for arguments in ways {
            let run = try python(["-m", "unittest"] + arguments)
            #expect(run.status == 0, "after \(step): \(run.errors)")
            #expect(run.errors.contains("Ran 3 tests"), "after \(step): \(run.errors)")
        }
    }

    func python(_ arguments: [String]) throws -> WorkerProcess.Ending {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return try WorkerProcess.run(
            "/usr/bin/env",
            ["-C", folder, "python3", "-B"] + arguments,
            ["PATH": path, "HOME": folder]
        )
    }
}
