import Foundation
import Glibc
import Testing

/// The executable under test, run as the server runs it: an environment of its own, nothing on standard input.
enum WorkerProcess {
    struct Ending {
        var status: Int32
        var output: String
        var errors: String
    }

    /// `CODEX_SANDBOX_WORKER_BINARY`, else what was built with the tests.
    static func path() throws -> String {
        if let path = ProcessInfo.processInfo.environment["CODEX_SANDBOX_WORKER_BINARY"] { return path }
        let own = URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let path = own.deletingLastPathComponent().appending(path: "codex-sandbox-worker").path
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) is not built")
        return path
    }

    /// Runs the worker; one that hangs is ended after 100 s with status 124, which no test expects.
    static func run(_ arguments: [String], _ environment: [String: String]) throws -> Ending {
        try run("/usr/bin/timeout", ["100", try path()] + arguments, environment)
    }

    /// Runs a program with its standard output and errors in files: as no pipe is shared with what other tests start at the
    /// same time, no end can be waited for in vain.
    static func run(_ program: String, _ arguments: [String], _ environment: [String: String]) throws -> Ending {
        let output = try Capture()
        let errors = try Capture()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.descriptor, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.descriptor, 2)
        // The threads of the test runner block signals, and a program started from one would be deaf to its own.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var process: pid_t = 0
        let code = withStrings([program] + arguments) { arguments in
            withStrings(environment.map { "\($0)=\($1)" }) { environment in
                posix_spawn(&process, program, &actions, &attributes, arguments, environment)
            }
        }
        try #require(code == 0, "\(program): \(String(cString: strerror(code)))")
        var status: Int32 = 0
        while waitpid(process, &status, 0) == -1 { try #require(errno == EINTR) }
        try #require(status & 0x7F == 0, "ended by signal \(status & 0x7F)")
        return Ending(status: status >> 8 & 0xFF, output: try output.text(), errors: try errors.text())
    }

    private static func withStrings<Result>(
        _ strings: [String],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }

    /// A file without a name.
    private final class Capture {
        let descriptor: Int32

        init() throws {
            let parent = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
            var template = Array("\(parent)/codex-sandbox-test-output-XXXXXX".utf8CString)
            descriptor = mkstemp(&template)
            try #require(descriptor != -1 && unlink(template) == 0)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }

        deinit { close(descriptor) }

        func text() throws -> String {
            var bytes: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = pread(descriptor, &piece, piece.count, off_t(bytes.count))
                try #require(count >= 0)
                if count == 0 { return String(decoding: bytes, as: UTF8.self) }
                bytes += piece[..<count]
            }
        }
    }
}
