import Foundation
import Glibc
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// What a launch hears from those who are asked for a scope, and how long it listens.
@Suite struct TransientScopeTests {
    private static let id = LaunchID([UInt8](repeating: 7, count: 16))
    /// Long enough for the helper to start on a busy machine.
    private static let patience: UInt64 = 3_000

    /// `codex-sandboxd` of the same build.
    private static func helper() throws -> OSString {
        let own = URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let path = own.deletingLastPathComponent().appending(path: "codex-sandboxd").path
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) is not built")
        return OSString(path)
    }

    /// A socket that somebody listens at, and nobody answers.
    private final class Bus {
        let folder: URL
        let listener: Int32

        init() throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "bus-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) {
                $0.copyBytes(from: folder.appending(path: "bus").path.utf8)
            }
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(bound == 0 && listen(listener, 8) == 0)
        }

        var environment: [OSString] { [OSString("DBUS_SESSION_BUS_ADDRESS=unix:path=\(folder.path)/bus")] }

        deinit {
            close(listener)
            #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) }
        }
    }

    private static func program(_ lines: String) throws -> OSString {
        let path = FileManager.default.temporaryDirectory.appending(path: "scope-\(UUID().uuidString)").path
        try Data("#!/bin/sh\n\(lines)\n".utf8).write(to: URL(filePath: path))
        try #require(chmod(path, 0o755) == 0)
        return OSString(path)
    }

    private static func asked(_ lines: String, _ environment: [OSString] = []) throws -> ScopeRequest {
        let path = try program(lines)
        defer { unlink(path.description) }
        return TransientScope.ask(path, id, environment, patience: patience)
    }

    @Test func aBusThatHangsUpIsAReason() async throws {
        let bus = try Bus()
        let listener = bus.listener
        let closing = Thread {
            let one = accept(listener, nil, nil)
            if one >= 0 { close(one) }
        }
        closing.start()
        let answer = TransientScope.ask(try Self.helper(), Self.id, bus.environment, patience: 60_000)
        guard case .failed(let why) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(why.hasPrefix("the user's bus cannot be reached: "), "\(why)")
    }

    @Test func aBusThatIsNotThereIsAReason() throws {
        let nowhere: [OSString] = ["DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere/bus"]
        let answer = TransientScope.ask(try Self.helper(), Self.id, nowhere, patience: 60_000)
        #expect(answer == .failed("the user's bus cannot be reached: No such file or directory"))
        // Neither variable: libsystemd says it in its way.
        guard case .failed = TransientScope.ask(try Self.helper(), Self.id, [], patience: 60_000) else {
            Issue.record("a scope without a bus")
            return
        }
    }

    /// The launch goes on, and who has asked is gone with its connection.
    @Test func aBusThatSaysNothingIsNotWaitedFor() throws {
        let bus = try Bus()
        let start = ContinuousClock.now
        let answer = TransientScope.ask(try Self.helper(), Self.id, bus.environment, patience: Self.patience)
        let waited = start.duration(to: .now)
        #expect(answer == .failed("no answer from the user's bus in 3 seconds"))
        #expect(waited >= .seconds(3) && waited < .seconds(30), "\(waited)")
        let one = accept(bus.listener, nil, nil)
        try #require(one >= 0, "it has not connected")
        defer { close(one) }
        var byte: UInt8 = 0
        var last = 1
        while last == 1 { last = read(one, &byte, 1) }
        #expect(last == 0 || errno == ECONNRESET)
    }

    @Test func whoeverSaysYesAndDoesNothingIsNotBelieved() throws {
        let answer = try Self.asked("exit 0")
        #expect(answer == .failed("the user's service manager has not moved this process in 3 seconds"))
    }

    @Test func wordsAreOneLineCutAndEscaped() throws {
        #expect(
            try Self.asked("printf 'a\\033[31mb\\001\\377c\\nmore\\n'; exit 1") == .failed("a\\x1b[31mb\\x01\\xffc")
        )
        #expect(
            try Self.asked("head -c 100000 /dev/zero | tr '\\000' x; exit 1")
                == .failed(String(repeating: "x", count: 300))
        )
        #expect(try Self.asked("kill -9 $$") == .failed("codex-sandboxd scope ended with wait status 9"))
        #expect(try Self.asked("exec yes") == .failed("no answer from the user's bus in 3 seconds"))
    }

    /// What else the caller has in its environment is none of the helper's business.
    @Test func theHelperGetsWhatNamesTheBus() throws {
        var options = LaunchOptions(arguments: ["x"], environment: [], policy: .named("x"), closedStreams: 0)
        options.environment = [
            "LD_PRELOAD=/x", "XDG_RUNTIME_DIR=/b", "DBUS_SESSION_BUS_ADDRESS=a", "XDG_RUNTIME_DIR=/c", "SECRET=s",
        ]
        #expect(TransientScope.environment(options) == ["DBUS_SESSION_BUS_ADDRESS=a", "XDG_RUNTIME_DIR=/b"])
        let words = try Self.asked("tr '\\000' ' ' </proc/$$/environ; exit 1", TransientScope.environment(options))
        #expect(words == .failed("DBUS_SESSION_BUS_ADDRESS=a XDG_RUNTIME_DIR=/b "))
    }

    /// The manager accepts a unit and fails at its job where it may not move the process, say.
    @Test func aJobThatFailsIsHeardAtOnce() throws {
        let bus = try FakeUserBus { _ in .job("failed") }
        let start = ContinuousClock.now
        let answer = TransientScope.ask(try Self.helper(), Self.id, bus.environment, patience: 120_000)
        let waited = start.duration(to: .now)
        let why = "the user's manager made no scope: its job ended as failed (journalctl --user may have why)"
        #expect(answer == .failed(why))
        #expect(waited < .seconds(60), "\(waited)")
        #expect(bus.requests.map(\.unit) == ["codex-sandbox-\(Self.id).scope"])
    }

    /// A number may be another process's when a manager that was held up reads it.
    @Test func theProcessIsNamedByAHandle() throws {
        let bus = try FakeUserBus { _ in .job("failed") }
        guard case .failed = TransientScope.ask(try Self.helper(), Self.id, bus.environment, patience: 120_000) else {
            Issue.record("a scope that nobody has made")
            return
        }
        #expect(bus.requests.map(\.handle) == [UInt32(getpid())] && bus.requests.map(\.number) == [nil])
    }

    @Test(arguments: ["UnknownProperty", "PropertyReadOnly"])
    func aManagerThatKnowsNoHandlesGetsTheNumber(_ name: String) throws {
        let bus = try FakeUserBus { $0.handle == nil ? .job("canceled") : .error("org.freedesktop.DBus.Error.\(name)") }
        let answer = TransientScope.ask(try Self.helper(), Self.id, bus.environment, patience: 120_000)
        let why = "the user's manager made no scope: its job ended as canceled (journalctl --user may have why)"
        #expect(answer == .failed(why))
        let own = UInt32(getpid())
        #expect(bus.requests.map(\.handle) == [own, nil] && bus.requests.map(\.number) == [nil, own])
    }

    @Test func whatTheManagerRefusesIsAskedOnce() throws {
        let bus = try FakeUserBus { _ in .error("org.freedesktop.DBus.Error.AccessDenied") }
        let answer = TransientScope.ask(try Self.helper(), Self.id, bus.environment, patience: 120_000)
        #expect(answer == .failed("the user's manager made no scope: no, for once"))
        #expect(bus.requests.count == 1)
    }

    /// The table is written by whoever plays the manager; a bus that keeps the signal to itself is waited for no longer than that.
    @Test(arguments: [.job("done"), .jobWithoutEnd] as [FakeUserBus.Answer])
    func whoeverIsMovedHasItsScope(_ answer: FakeUserBus.Answer) throws {
        let table = FileManager.default.temporaryDirectory.appending(path: "table-\(UUID().uuidString)")
        try Data("0::/session.scope\n".utf8).write(to: table)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: table) } }
        let bus = try FakeUserBus { request in
            #expect(throws: Never.self) {
                try Data("0::/app.slice/\(request.unit)\n".utf8).write(to: table, options: .atomic)
            }
            return answer
        }
        let start = ContinuousClock.now
        let found = TransientScope.ask(
            try Self.helper(),
            Self.id,
            bus.environment,
            patience: 120_000,
            table: OSString(table.path)
        )
        let waited = start.duration(to: .now)
        #expect(found == .entered(unit: "codex-sandbox-\(Self.id).scope"))
        #expect(waited < .seconds(60), "\(waited)")
    }

    /// By the times that this thread has slept: one who looks each half of a millisecond does it thousands of times.
    @Test(arguments: ["exit 0", "exec sleep 60"]) func waitingCostsNothing(_ lines: String) throws {
        func sleeps() throws -> Int {
            let status = try String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") })
            return try #require(Int(line.split(separator: "\t")[1]))
        }
        let before = try sleeps()
        guard case .failed = try Self.asked(lines) else {
            Issue.record("a scope that nobody has made")
            return
        }
        let slept = try sleeps() - before
        #expect(slept < 1000, "\(slept)")
    }
}
