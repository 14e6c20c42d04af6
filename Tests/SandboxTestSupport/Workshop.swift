import Foundation
import Glibc
import ProjectTree

/// What all tests of one run share: the built programs, the launcher under test, a folder for everything.
///
/// The folder goes when the process ends.
public struct Workshop: Sendable {
    /// Mode 0755: other ids must be able to pass.
    public let folder: String
    /// Readable inside by `--read`.
    public let programs: String
    /// A copy of the launcher beside a copy of its other executable: the test user may not reach the build folder.
    public let launcher: String
    private let source: String

    private static let opened = Result { try Workshop() }

    /// The one of this run; opened by the first test that asks.
    public static func shared() throws -> Workshop { try opened.get() }

    private init() throws {
        folder = try Workshop.makeFolder()
        programs = folder + "/programs"
        let sources = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Programs").path
        try Workshop.make(programs: programs, from: sources)
        launcher = folder + "/bin/codex-sandbox"
        source = try Workshop.copyLauncher(from: Workshop.builtLauncher(), into: folder + "/bin")
        Workshop.removeAtExit(folder)
    }

    /// Whether the launcher under test is still the file that was copied.
    public func launcherIsUntouched() throws -> Bool {
        try Data(contentsOf: URL(fileURLWithPath: source)) == Data(contentsOf: URL(fileURLWithPath: launcher))
    }

    private static func makeFolder() throws -> String {
        let parent = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        var template = Array("\(parent)/codex-sandbox-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestFailure(call: "mkdtemp", on: parent) }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try check("chmod", path, chmod(path, 0o755))
        return path
    }

    private static func make(programs: String, from source: String) throws {
        let build = Process()
        let errors = Foundation.Pipe()
        build.executableURL = URL(fileURLWithPath: source + "/build")
        build.arguments = [programs]
        build.standardError = errors
        try build.run()
        let text = errors.fileHandleForReading.readDataToEndOfFile()
        build.waitUntilExit()
        guard build.terminationStatus == 0 else {
            throw TestFailure("Tests/Programs/build failed: \(String(decoding: text, as: UTF8.self))")
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: source) where name.hasSuffix(".py") {
            try ProgramFile.copy("\(source)/\(name)", to: "\(programs)/\(name)")
        }
        // The worker's own, as a user's programs are.
        for name in try FileManager.default.contentsOfDirectory(atPath: programs) {
            try check("chown", name, lchown("\(programs)/\(name)", Caller.worker.uid, Caller.worker.gid))
        }
    }

    /// `CODEX_SANDBOX_BINARY`, else what was built with the tests.
    private static func builtLauncher() throws -> String {
        if let path = ProcessInfo.processInfo.environment["CODEX_SANDBOX_BINARY"] { return path }
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: program).deletingLastPathComponent().appendingPathComponent("codex-sandbox").path
    }

    private static func copyLauncher(from path: String, into folder: String) throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        for name in ["codex-sandbox", "codex-sandboxd", "codex-sandbox-worker"] {
            let from = URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(name).path
            guard FileManager.default.isExecutableFile(atPath: from) else {
                throw TestFailure("no launcher at \(from): build it, or set CODEX_SANDBOX_BINARY to a codex-sandbox")
            }
            try ProgramFile.copy(from, to: "\(folder)/\(name)")
        }
        return path
    }

    private nonisolated(unsafe) static var leavings: String?

    private static func removeAtExit(_ folder: String) {
        leavings = folder
        atexit {
            guard let folder = Workshop.leavings else { return }
            do {
                try FileManager.default.removeItem(atPath: folder)
            } catch {
                FileHandle.standardError.write(Data("tests: could not remove \(folder): \(error)\n".utf8))
            }
        }
    }
}
