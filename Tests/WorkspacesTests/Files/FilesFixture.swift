import Foundation
import Glibc
import SandboxPlan
import Workspaces

/// A root of projects with one project in it, beside a secret that nobody may read through it; all gone at the end.
final class FilesFixture: Sendable {
    static let secret = Array("TOP SECRET, outside".utf8)

    /// The folder around everything.
    let base: String
    let root: ProjectFolders
    let folder: ProjectFolder

    init() throws {
        var template = Array("/tmp/workspaces-tests.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
        base = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        root = try ProjectFolders(at: base + "/workspaces")
        folder = try root.create("p")
        try FilesFixture.write(FilesFixture.secret, base + "/secret")
    }

    deinit { FilesFixture.run("chmod -R u+rwX '\(base)' 2>/dev/null; rm -rf '\(base)'") }

    /// Of the project.
    var path: String { base + "/workspaces/p" }

    func put(_ text: String, _ name: String) throws { try FilesFixture.write(Array(text.utf8), path + "/" + name) }

    func make(_ name: String) { precondition(mkdir(path + "/" + name, 0o755) == 0, "mkdir \(name)") }

    func link(_ target: String, _ name: String) {
        precondition(symlink(target, path + "/" + name) == 0, "link \(name)")
    }

    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)), as: UTF8.self)
    }

    func read(_ name: String) throws(WorkspaceError) -> String {
        String(
            decoding: try folder.contents(try RequestedPath(decoded: Array(name.utf8)), limit: 1 << 20),
            as: UTF8.self
        )
    }

    /// Why a file is not read; nil when it is.
    func refusal(_ name: String) -> WorkspaceError.Kind? {
        do throws(WorkspaceError) {
            _ = try read(name)
            return nil
        } catch { return error.kind }
    }

    func upload(
        _ text: String,
        _ name: String,
        _ condition: WritePrecondition = .none,
        executable: Bool? = nil
    ) throws(WorkspaceError) -> WriteOutcome {
        let path = try RequestedPath(decoded: Array(name.utf8))
        let writing = try folder.write(path, limit: 1 << 20, isExecutable: executable)
        try writing.append(Array(text.utf8))
        return try writing.commit(condition)
    }

    static func write(_ bytes: [UInt8], _ path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    /// What this thread has had of a processor so far (clock_gettime(2)): no neighbour's work is in it.
    static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// Exit status of a shell command.
    @discardableResult
    static func run(_ command: String) -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        do { try process.run() } catch { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// The kind of error that `body` throws; nil for none.
func kind(_ body: () throws(WorkspaceError) -> Void) -> WorkspaceError.Kind? {
    do throws(WorkspaceError) {
        try body()
        return nil
    } catch { return error.kind }
}

/// Descriptors that this process has open in a folder: the tests beside this one open and close hundreds elsewhere.
func openDescriptors(below folder: String) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { number in
        // Some are closed meanwhile.
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)"))?.hasPrefix(folder)
            ?? false
    }
}
