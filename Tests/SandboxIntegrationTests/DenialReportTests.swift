import Foundation
import Glibc
import SandboxTestSupport
import Testing

/// `--report-denials`: the job sees the same errors as without, and what was refused stands in result, record and words.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct DenialReportTests {
    private static let program = "denied-calls.py"

    private func job(_ scene: Scene, _ arguments: String...) -> [String] {
        ["/usr/bin/python3", "-B", scene.program(Self.program)] + arguments
    }

    /// The `denials` of the result.
    private func denials(_ scene: Scene) throws -> [String: Any]? {
        let data = try Data(contentsOf: URL(fileURLWithPath: scene.resultFile))
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        return object["denials"] as? [String: Any]
    }

    /// `name errno count key` of each.
    private func calls(_ denials: [String: Any]) throws -> Set<String> {
        let calls = try #require(denials["systemCalls"] as? [[String: Any]])
        return Set(
            calls.map { call in
                let name = call["name"] as? String ?? "\(call["number"] ?? "?")"
                let argument = call["argument"].map { "(\($0))" } ?? ""
                let errno = (call["errno"] as? [String: Any])?["name"] as? String ?? "?"
                return "\(name)\(argument) \(errno) \(call["count"] ?? "?") \(call["policyKey"] as? String ?? "none")"
            }
        )
    }

    private static let always: Set<String> = [
        "mount EPERM 1 none", "unshare EPERM 1 none", "clone3 ENOSYS 1 none", "fchmod EPERM 1 none",
        "socket(17) EAFNOSUPPORT 1 none", "socket(2) EPROTONOSUPPORT 1 none", "prctl(9999) EINVAL 1 none",
        "ioctl(21522) EPERM 1 none", "9999 ENOSYS 1 none",
    ]

    @Test(arguments: Caller.available)
    func refusedCallsAreNamedWithTheSameErrors(caller: Caller) throws {
        let scene = try Scene(caller)
        let list = job(scene, "list")
        let plain = try scene.runInside(list, options: scene.resultOptions)
        #expect(plain.ending == .exited(0) && plain.lines.count == 12, "\(plain.story)")
        #expect(try denials(scene) == nil)
        let told = try scene.runInside(list, options: scene.resultOptions + ["--report-denials"])
        #expect(told.lines == plain.lines, "\(told.story)")
        let denials = try #require(try denials(scene))
        // Python may try calls of its own, as clone3 and openat2; nothing of the list may be missing.
        #expect(try calls(denials).isSuperset(of: Self.always), "\(denials)")
        #expect(try !calls(denials).contains { $0.hasPrefix("getpid") || $0.hasPrefix("ptrace") }, "\(denials)")
        #expect(denials["paths"] as? String == "not observable")
        #expect(told.errorText.contains("denied: mount, EPERM, once: no policy allows it (mounts)"), "\(told.story)")
        #expect(told.errorText.contains("denied paths: not observable"), "\(told.story)")
        let quiet = try scene.runInside(list, options: ["--report-denials", "--quiet"])
        #expect(quiet.errors == [], "\(quiet.story)")
        #expect(try scene.report().enforcement["seccomp"] == "enforced")
    }

    @Test(arguments: Caller.available)
    func whatThePolicyLeavesOutHasItsKey(caller: Caller) throws {
        let scene = try Scene(caller)
        let policy = scene.outside + "/narrow.toml"
        try scene.write(
            "version = 1\nextends = \"workspace-write\"\n[seccomp]\nwithout = [\"debug\", \"internet-sockets\"]\n",
            to: policy
        )
        // What decides over a job of root is root's.
        if caller == .root { _ = chown(policy, 0, 0) }
        let options = scene.resultOptions + ["--policy", policy]
        let plain = try scene.runInside(job(scene, "list"), options: options)
        let told = try scene.runInside(job(scene, "list"), options: options + ["--report-denials"])
        #expect(told.ending == .exited(0) && told.lines == plain.lines, "\(told.story)")
        let denials = try #require(try denials(scene))
        let wanted: Set = ["ptrace EPERM 1 seccomp.without", "socket(2) EAFNOSUPPORT 1 seccomp.without"]
        #expect(try calls(denials).isSuperset(of: wanted), "\(denials)")
        #expect(
            told.errorText.contains("denied: ptrace, EPERM, once: allowed if seccomp.without does not name \"debug\""),
            "\(told.story)"
        )
    }

    @Test(arguments: Caller.available)
    func aFloodIsCountedAndBounded(caller: Caller) throws {
        let scene = try Scene(caller)
        let flood = try scene.runInside(
            job(scene, "flood", "5000", "4"),
            options: scene.resultOptions + ["--report-denials"]
        )
        #expect(flood.lines == ["wrong 0"], "\(flood.story)")
        let counted = try #require(try denials(scene))
        #expect(try calls(counted).contains("mount EPERM 20000 none"), "\(counted)")
        let kinds = try scene.runInside(
            job(scene, "kinds", "300"),
            options: scene.resultOptions + ["--report-denials"]
        )
        #expect(kinds.lines == ["['ENOSYS']"], "\(kinds.story)")
        let bounded = try #require(try denials(scene))
        #expect((bounded["systemCalls"] as? [Any])?.count == 128, "\(bounded)")
        #expect(try #require(bounded["otherCalls"] as? Int) >= 172, "\(bounded)")
    }

    /// Nobody answers any more: everything ends, and no call was let through.
    @Test(arguments: [SIGKILL, SIGTERM], Caller.available)
    func theSupervisorsEndEndsTheJob(signal: Int32, caller: Caller) throws {
        let scene = try Scene(caller)
        let process = try scene.startInside(
            ["/bin/sh", "-c", "echo on; exec /usr/bin/python3 -B '\(scene.program(Self.program))' flood 100000000 2"],
            options: ["--report-denials", "--quiet"]
        )
        try process.wait("the job", within: .seconds(60)) { $0.outputText.contains("on") }
        usleep(300_000)
        try process.signal(signal)
        let result = try process.finish()
        // At the supervisor's sudden end the kernel is still ending the place.
        #expect((result.left == 0 || signal == SIGKILL) && result.stuck == [], "\(result.story)")
    }

    @Test(arguments: Caller.available)
    func aTerminalAndAStubbornJobWorkAsEver(caller: Caller) throws {
        let scene = try Scene(caller)
        let terminal = try scene.runInside(
            job(scene, "list"),
            options: scene.resultOptions + ["--report-denials", "--tty"]
        )
        #expect(terminal.ending == .exited(0), "\(terminal.story)")
        let denials = try #require(try denials(scene))
        #expect(try calls(denials).isSuperset(of: Self.always.subtracting(["ioctl(21522) EPERM 1 none"])), "\(denials)")
        let late = try scene.runInside(
            ["/bin/sh", "-c", "trap '' TERM; while :; do unshare -U true 2> /dev/null; done"],
            options: scene.resultOptions + ["--report-denials", "--timeout", "500ms", "--grace", "200ms"]
        )
        #expect(try scene.report().outcome == "timed-out", "\(late.story)")
        #expect(late.left == 0 && late.stuck == [], "\(late.story)")
    }

    @Test func theRecordIsWhatTheSchemaAndTheReaderSay() throws {
        let scene = try Scene(.available[0])
        _ = try scene.runInside(job(scene, "list"), options: ["--report-denials"])
        let shown = try scene.run(
            [scene.workshop.launcher, "evidence", "show", "--workspace", scene.workspace],
            keeper: scene.caller.keeperOptions
        )
        #expect(shown.ending == .exited(0), "\(shown.story)")
        #expect(shown.outputText.contains("system calls refused"), "\(shown.story)")
        #expect(shown.lines.contains { $0.contains("mount ") && $0.contains("mounts") && $0.contains("EPERM") })
        let verified = try scene.run(
            [scene.workshop.launcher, "evidence", "verify", "--workspace", scene.workspace],
            keeper: scene.caller.keeperOptions
        )
        #expect(verified.ending == .exited(0), "\(verified.story)")
    }
}
