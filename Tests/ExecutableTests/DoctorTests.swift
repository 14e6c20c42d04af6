import Foundation
import ProjectTree
import Testing

/// `doctor` on hosts that lack something, made from this one.
@Suite(.serialized, .timeLimit(.minutes(120))) struct DoctorTests {
    private struct Report: Decodable {
        struct Check: Decodable {
            let name: String
            let state: String
            let detail: String
            let remedy: String
        }

        struct Trial: Decodable {
            let outcome: String
            let layer: String?
            let remedy: String?
        }

        let works: Bool
        let trial: Trial
        let checks: [Check]

        func check(_ name: String) throws -> Check {
            try #require(checks.first { $0.name == name }, "doctor says nothing of \(name)")
        }
    }

    private func report(_ answer: Executable.Answer) throws -> Report {
        let report = try JSONDecoder().decode(Report.self, from: answer.output)
        #expect(answer.status == (report.works ? 0 : 1))
        return report
    }

    private static let kernel = [
        "kernel", "architecture", "user-namespace", "mount-namespace", "pid-namespace", "network-namespace",
        "ipc-namespace", "uts-namespace", "cgroup-namespace", "open-tree", "mount-setattr", "tmpfs", "move-mount",
        "pivot-root", "proc", "devpts", "nested-namespaces", "capabilities", "no-new-privileges", "landlock", "seccomp",
        "rlimits", "keyring", "pidfd", "descriptors",
    ]

    /// The positive control of everything below.
    @Test func theHostOfTheTestsHasEveryLayer() throws {
        let before = try Self.trials()
        let report = try report(try Executable.run(["doctor", "--json"]))
        // Another doctor's goes with it.
        var left = try Self.trials().subtracting(before)
        for _ in 0..<6000 where !left.isEmpty {
            usleep(10_000)
            left.formIntersection(try Self.trials())
        }
        #expect(left.isEmpty)
        for name in Self.kernel {
            let check = try report.check(name)
            #expect(["available", "partial"].contains(check.state), "\(name): \(check.detail)")
        }
        #expect(report.works)
    }

    /// The workspaces of trial launches that there are, of every doctor on this host.
    private static func trials() throws -> Set<String> {
        let names = try FileManager.default.contentsOfDirectory(atPath: "/tmp")
        return Set(names.filter { $0.hasPrefix("codex-sandbox-doctor-") })
    }

    @Test func theFirstLineIsTheAnswer() throws {
        let answer = try Executable.run(["doctor"])
        #expect(answer.text.hasPrefix(answer.status == 0 ? "run works here: yes\n" : "run works here: no\n"))
        #expect(answer.error.isEmpty)
    }

    @Test func forbiddenUserNamespacesAreFound() throws {
        let line = #"echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" doctor --json"#
        let report = try report(try Executable.shellInNamespace(line))
        let check = try report.check("user-namespace")
        #expect(check.state == "missing")
        #expect(check.detail.contains("ENOSPC"))
        #expect(check.remedy.contains("outside"))
        #expect(try report.check("pivot-root").state == "untested")
        #expect(try report.check("landlock").state != "missing")
        #expect(!report.works)
    }

    /// Root of a user namespace that has no other id has nobody to give the trial's folder to.
    @Test func anIdThatIsNotMappedIsSaidToBeNone() throws {
        let answer = try Executable.shell(#"exec unshare --user --map-root-user "$0" doctor"#)
        #expect(answer.status == 1)
        #expect(answer.text.contains("chown on /tmp/") && answer.text.contains("EINVAL"), "\(answer.text)")
        #expect(answer.text.contains("Id 65534 is not mapped in this user namespace"), "\(answer.text)")
        #expect(!answer.text.contains("chmod 1777"), "\(answer.text)")
    }

    @Test(arguments: [
        ("net", "network-namespace"), ("mnt", "mount-namespace"), ("pid", "pid-namespace"), ("ipc", "ipc-namespace"),
        ("uts", "uts-namespace"), ("cgroup", "cgroup-namespace"),
    ])
    func aForbiddenKindOfNamespaceIsFound(_ kind: String, _ name: String) throws {
        let line = #"echo 0 > /proc/sys/user/max_\#(kind)_namespaces && exec "$0" doctor --json"#
        let report = try report(try Executable.shellInNamespace(line))
        let check = try report.check(name)
        #expect(check.state == "missing")
        #expect(check.detail.contains("ENOSPC"))
        #expect(check.remedy == "sudo sysctl -w user.max_\(kind)_namespaces=15000")
        #expect(try report.check("user-namespace").state == "available")
        #expect(!report.works)
    }

    /// A filter around doctor hides a call from its own launch, be that a call that a check tries or not.
    @Test(
        arguments: [
            ("openat2", "mounts", "openat2(2)"), ("close_range", "descriptors", "close_range(2)"),
            ("execveat", "environment", "execveat(2)"),
            ("move_mount", "mounts", "Start the container with another filter"),
            ("memfd_create", nil, "Start the container with another filter"),
        ] as [(String, String?, String)]
    )
    func aHiddenCallHasARemedyThatIsNotDoctor(call: String, layer: String?, remedy: String) throws {
        let tests = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
        let script = tests.appending(path: "Support/without-syscalls.py").path
        let line = #"exec python3 -B '\#(script)' \#(call) -- "$0" doctor --json"#
        let answer = try Executable.shell(line)
        let report = try report(answer)
        #expect(!report.works && report.trial.outcome == "refused", "\(answer.text)")
        #expect(report.trial.layer == layer, "\(answer.text)")
        let said = try #require(report.trial.remedy)
        #expect(said.hasPrefix(remedy) && !said.contains("codex-sandbox doctor"), "\(said)")
    }

    @Test func aCoveredProcIsFound() throws {
        let line = #"mount -t tmpfs none /proc/fs && exec "$0" doctor --json"#
        let report = try report(try Executable.shellInNamespace(line))
        let check = try report.check("proc")
        #expect(check.state == "missing")
        #expect(check.detail.contains("/proc/fs"))
        #expect(check.remedy.contains("systempaths=unconfined"))
        #expect(try report.check("tmpfs").state == "available")
        #expect(!report.works)
    }

    @Test func foldersAreThoseOfTheSettings() throws {
        let arguments = ["doctor", "--json", "--state-dir", "/dev/null/state"]
        let answer = try Executable.run(arguments, environment: ["CODEX_SANDBOX_CACHE_DIR": "/proc/cache"])
        let report = try report(answer)
        #expect(try report.check("state-folder").detail.contains("/dev/null/state"))
        #expect(try report.check("state-folder").state == "missing")
        #expect(try report.check("cache-folder").detail.contains("/proc/cache"))
    }
}
