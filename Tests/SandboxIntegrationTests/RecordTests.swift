import Foundation
import Glibc
import SandboxTestSupport
import Testing

/// What a launch leaves in its record.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct RecordTests {
    /// The one start record of a scene.
    private func start(_ scene: Scene) throws -> [String: Any] {
        for file in try scene.records() where file.hasSuffix(".jsonl") {
            for line in try scene.text(of: file).split(separator: "\n") {
                guard let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                    let type = record["predicateType"] as? String, type.contains("launch-start")
                else { continue }
                return record
            }
        }
        throw TestFailure("there is no start record below \(scene.state)")
    }

    /// Field to `observer: found`, of every observation.
    private func observations(_ record: [String: Any]) -> [String: String] {
        let predicate = record["predicate"] as? [String: Any] ?? [:]
        var found: [String: String] = [:]
        for layer in predicate["layers"] as? [[String: Any]] ?? [] {
            for observation in layer["observations"] as? [[String: Any]] ?? [] {
                guard let field = observation["field"] as? String else { continue }
                found[field] = "\(observation["observer"] ?? ""): \(observation["found"] ?? "")"
            }
        }
        return found
    }

    /// A death closes the gate as an exec does, and is none.
    @Test(.runsAlone, arguments: ["worker", "pid-1"], Caller.available)
    func aWorkerKilledBeforeItsExecIsNotSaidToHaveReachedIt(victim: String, caller: Caller) throws {
        let scene = try Scene(caller)
        let killer = ["/usr/bin/python3", scene.program("kill-at-gate.py"), victim, scene.resultFile]
        let command = scene.sandboxed([]).prefix { $0 != "--" }
        let result = try scene.run(killer + command, keeper: caller.keeperOptions)
        #expect(result.outputText == "released-without-report None no marker\n", "\(result.story)")
        // A control: one that is killed behind its exec has reached it.
        let late = try scene.runInside(["/bin/sh", "-c", "kill -9 $$"], options: scene.resultOptions)
        #expect(late.ending == .exited(137), "\(late.story)")
        #expect(try scene.report().execveReached == true)
    }

    /// Whoever removes names at this moment may have been stopped.
    @Test(.runsAlone, arguments: [false, true], Caller.available)
    func aHeldLedgerIsARefusal(isEnded: Bool, caller: Caller) throws {
        let scene = try Scene(caller)
        #expect(try scene.runInside(["/bin/true"]).ending == .exited(0))
        let records = try #require(try scene.records().first { $0.hasSuffix("/records.jsonl") })
        let ledger = open(records.replacingOccurrences(of: "records.jsonl", with: "placeholders"), O_RDWR)
        defer { close(ledger) }
        #expect(ledger >= 0 && flock(ledger, LOCK_EX) == 0)
        let clock = ContinuousClock()
        var took = Duration.zero
        // It waits for five seconds where nobody ends it; a busy machine may take as long for the rest.
        for _ in 0..<5 {
            let process = try scene.startInside(["/bin/true"])
            var begin = clock.now
            if isEnded {
                // Before it has its signals blocked it would just end.
                let status = "/proc/\(try process.commandProcess())/status"
                for _ in 0..<6000 where !Self.blocksTerm(status) && !process.hasEnded() { usleep(10_000) }
                usleep(300_000)
                begin = clock.now
                try process.signal(SIGTERM)
            }
            for _ in 0..<500 where !process.hasEnded() { usleep(100_000) }
            let ended = process.hasEnded()
            took = clock.now - begin
            if !ended { try process.signal(SIGKILL) }
            let result = try process.finish()
            #expect(ended && result.ending == .exited(125), "\(result.story)")
            #expect(result.errorText.contains("flock"), "\(result.story)")
            if !isEnded || took < .seconds(4) { return }
        }
        Issue.record("TERM does not end the wait: \(took)")
    }

    /// Whether the process of a `/proc/PID/status` has SIGTERM blocked.
    private static func blocksTerm(_ status: String) -> Bool {
        guard let text = try? String(contentsOfFile: status, encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("SigBlk:") }),
            let mask = UInt64(line.dropFirst(7).drop { $0 == "\t" }, radix: 16)
        else { return false }
        return mask >> UInt64(SIGTERM - 1) & 1 == 1
    }

    /// That a difference is noticed is shown by `ProcessVerificationTests` and by the fault suite.
    @Test(arguments: Caller.available)
    func theWorkerIsKnownByParentPidAndNamespaces(caller: Caller) throws {
        let scene = try Scene(caller)
        let result = try scene.runInside(["/bin/true"])
        #expect(result.ending == .exited(0), "\(result.story)")
        let found = observations(try start(scene))
        for kind in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"] {
            #expect(found["ns/\(kind) of pid 1"] == "outside: not the host's")
            #expect(found["ns/\(kind) of worker"] == "outside: pid 1's")
        }
        #expect(found["NSpid of worker"] == "outside: 2")
        #expect(found["PPid of worker"] != nil)
        #expect(found["umount2 with unknown flags"] == "refused-act: 1")
        #expect(found["fchmod to a set-id mode"] == "refused-act: 1")
    }

    @Test(arguments: Caller.available, ["", "--policy read-only"])
    func theStartSaysWhereTheRepositoryStood(caller: Caller, options: String) throws {
        for isThere in [true, false] {
            let scene = try Scene(caller)
            if isThere {
                let made = try scene.run(
                    ["/usr/bin/git", "init", "--quiet", "--initial-branch", "trunk", "."],
                    keeper: Caller.workerOptions
                )
                try #require(made.ending == .exited(0), "\(made.story)")
            }
            let result = try scene.runInside(["/bin/true"], options: options.split(separator: " ").map(String.init))
            #expect(result.ending == .exited(0), "\(result.story)")
            let subjects = try #require(try start(scene)["subject"] as? [[String: Any]])
            let notes = subjects.compactMap { $0["annotations"] as? [String: Any] }
            let head = notes.first { $0["role"] as? String == "workspace" }?["gitHead"] as? String
            #expect(head == (isThere ? "ref: refs/heads/trunk" : nil))
        }
    }

    /// Where fdatasync(2) fails, only the launch that asked for it is refused.
    @Test(arguments: Caller.available)
    func durableRecordsAreOnTheDisk(caller: Caller) throws {
        for isDurable in [true, false] {
            let scene = try Scene(caller)
            let filter = ["/usr/bin/python3", "-B", scene.program("without-syscalls.py"), "fdatasync:EIO", "--"]
            let command = scene.sandboxed(["/bin/echo", "ran"], options: isDurable ? ["--durable"] : [])
            let result = try scene.run(filter + command, keeper: caller.keeperOptions)
            if isDurable {
                #expect(result.ending == .exited(125) && result.output == [], "\(result.story)")
                #expect(result.errorText.contains("fdatasync"), "\(result.story)")
            } else {
                #expect(result.ending == .exited(0) && result.lines == ["ran"], "\(result.story)")
            }
        }
        let scene = try Scene(caller)
        let result = try scene.runInside(["/bin/echo", "ran"], options: ["--durable"])
        #expect(result.ending == .exited(0) && result.lines == ["ran"], "\(result.story)")
    }

    /// Launches one after another, at the same time, refused ones and one that could not bring its record to the disk.
    @Test(arguments: Caller.available)
    func recordsOfRealLaunchesAreOneChain(caller: Caller) throws {
        let scene = try Scene(caller)
        let verify = [scene.workshop.launcher, "evidence", "verify", "--json"]
        for code in 0...2 {
            let result = try scene.runInside(["/bin/sh", "-c", "exit \(code)"])
            #expect(result.ending == .exited(Int32(code)), "\(result.story)")
        }
        let together = try (0..<8).map { _ in try scene.startInside(["/bin/true"]) }
        for process in together {
            let result = try process.finish()
            #expect(result.ending == .exited(0), "\(result.story)")
        }
        let refused = try scene.runInside(["/bin/true"], options: ["--read", "/no/such/folder"])
        #expect(refused.ending == .exited(125), "\(refused.story)")
        let filter = ["/usr/bin/python3", "-B", scene.program("without-syscalls.py"), "fdatasync:EIO", "--"]
        let lost = try scene.run(
            filter + scene.sandboxed(["/bin/true"], options: ["--durable"]),
            keeper: caller.keeperOptions
        )
        #expect(lost.ending == .exited(125), "\(lost.story)")
        let told = try scene.run(verify, keeper: caller.keeperOptions)
        #expect(told.ending == .exited(0), "\(told.story)")
        #expect(
            told.outputText.contains("\"launches\":{\"closed\":12,\"refused\":1,\"withoutOutcome\":0}"),
            "\(told.story)"
        )
        #expect(told.outputText.contains("\"sequence\":25}"), "\(told.story)")
        // The control: one bit.
        let file = URL(filePath: try #require(scene.records().first { $0.hasSuffix("/records.jsonl") }))
        var bytes = try Data(contentsOf: file)
        bytes[bytes.startIndex + bytes.count / 2] ^= 1
        let handle = try FileHandle(forWritingTo: file)
        try handle.write(contentsOf: bytes)
        try handle.close()
        let changed = try scene.run(verify, keeper: caller.keeperOptions)
        #expect(changed.ending == .exited(1) && changed.outputText.contains("\"verified\":false"), "\(changed.story)")
    }

    /// The reason is recorded where there is room for it, though none for plan and host.
    @Test(arguments: Caller.available)
    func aRefusalThatDoesNotFitIsRecordedInShort(caller: Caller) throws {
        let scene = try Scene(caller)
        // The policy is compiled before: with that limit its filter would not fit into a file either.
        let show = [scene.workshop.launcher, "policy", "show", "workspace-write"]
        try #require(try scene.run(show, keeper: caller.keeperOptions).ending == .exited(0))
        let limited = ["/bin/sh", "-c", "ulimit -f 10; exec \"$@\"", "sh"] + scene.sandboxed(["/bin/true"])
        let result = try scene.run(limited, keeper: caller.keeperOptions)
        #expect(result.ending == .exited(125) && !result.errorText.contains("not recorded"), "\(result.story)")
        #expect(try scene.recordsHolding("EFBIG").count == 1)
        #expect(try scene.recordsHolding("\"plan\":{").isEmpty)
        let told = try scene.run(
            [scene.workshop.launcher, "evidence", "verify", "--json"],
            keeper: caller.keeperOptions
        )
        #expect(told.ending == .exited(0) && told.outputText.contains("\"refused\":1"), "\(told.story)")
    }

    /// A launch only looks the digest up; whoever looks at the record has it computed, for the launches after that.
    @Test(arguments: Caller.available)
    func theWorkersDigestIsKnownOnceSomebodyLooked(caller: Caller) throws {
        let scene = try Scene(caller)
        let content = try scene.run(["/usr/bin/sha256sum", "/usr/bin/env"], keeper: Caller.workerOptions)
        let digest = try #require(content.outputText.split(separator: " ").first.map(String.init))
        for isKnown in [false, true] {
            let result = try scene.runInside(["/usr/bin/env", "true"])
            #expect(result.ending == .exited(0), "\(result.story)")
            #expect(try scene.recordsHolding("\"sha256\":\"\(digest)\"").isEmpty != isKnown)
            let shown = try scene.run(
                [scene.workshop.launcher, "evidence", "show"],
                keeper: caller.keeperOptions
            )
            #expect(shown.ending == .exited(0), "\(shown.story)")
            #expect(shown.outputText.contains("sha256:\(digest)"), "\(shown.story)")
            #expect(shown.outputText.contains("still the same") != isKnown, "\(shown.story)")
        }
        #expect(try scene.names(in: scene.state + "/codex-sandbox/executables").count == 1)
    }
}
