import CShims
import DeniedCall
import Foundation
import SandboxPlan
import Testing

@testable import SandboxKernel

/// Each probe says "works" only where the feature works: seen to succeed here, and to fail with the call refused.
@Suite struct FeatureProbeTests {
    private static var identity: ProbeIdentity {
        geteuid() == 0 ? .nobody : ProbeIdentity(uid: geteuid(), gid: getegid(), drops: false)
    }

    @Test(arguments: FeatureProbe.allCases) func theFeatureWorksHere(_ probe: FeatureProbe) {
        let outcome = probe.outcome(as: Self.identity)
        #expect(outcome.works, "\(probe): \(HostDiagnosis.words(outcome))")
    }

    @Test func valuesAreWhatTheHeaderSays() {
        #expect(FeatureProbe.rlimitNproc.outcome(as: Self.identity) == .works(value: 2))
        guard case .works(let abi) = FeatureProbe.landlock.outcome(as: Self.identity) else {
            Issue.record("Landlock does not work here")
            return
        }
        #expect(abi >= 1)
    }

    /// The probe, the number of the call on x86_64, and the name under which its failure is reported.
    static let denials: [(probe: FeatureProbe, number: Int32, call: String)] = [
        (.userNamespace, 272, "unshare(CLONE_NEWUSER)"),
        (.mountNamespace, 165, "mount(MS_REC|MS_PRIVATE)"),
        (.networkNamespace, 41, "socket"),
        (.utsNamespace, 170, "sethostname"),
        (.openTree, 428, "open_tree"),
        (.mountSetattr, 442, "mount_setattr"),
        (.tmpfs, 430, "fsopen"),
        (.moveMount, 429, "move_mount"),
        (.pivotRoot, 155, "pivot_root"),
        (.proc, 432, "fsmount"),
        (.devpts, 431, "fsconfig"),
        (.nestedNamespaces, 431, "fsconfig"),
        (.capabilities, 126, "capset"),
        (.rlimitNproc, 302, "setrlimit(RLIMIT_NPROC)"),
        (.noNewPrivileges, 157, "prctl(PR_SET_NO_NEW_PRIVS)"),
        (.seccomp, 317, "seccomp(SECCOMP_SET_MODE_FILTER)"),
        (.landlock, 446, "landlock_restrict_self"),
        (.pidfd, 424, "pidfd_send_signal"),
        (.closeRange, 436, "close_range(CLOSE_RANGE_CLOEXEC)"),
        (.keyring, 250, "keyctl(KEYCTL_JOIN_SESSION_KEYRING)"),
    ]

    @Test func everyOtherProbeHasADenialElsewhere() {
        // The kinds of unshare cannot be told apart by the call's number: the executable's tests forbid each kind.
        let rest: Set<FeatureProbe> = [.pidNamespace, .ipcNamespace, .cgroupNamespace]
        #expect(Set(Self.denials.map(\.probe)).union(rest) == Set(FeatureProbe.allCases))
    }

    @Test(arguments: denials.indices) func aRefusedCallIsNamed(_ index: Int) async {
        await #expect(processExitsWith: .success) { [index] in
            let denial = FeatureProbeTests.denials[index]
            guard deny_call(denial.number, EXDEV) == 0 else { exit(2) }
            let outcome = denial.probe.outcome(as: FeatureProbeTests.identity)
            guard outcome == .failed(call: denial.call, errno: EXDEV) else {
                print("\(denial.probe): \(HostDiagnosis.words(outcome))")
                exit(1)
            }
        }
    }

    @Test func nothingOfAProbeStays() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            // What the test library's own threads have open for a moment would be missed afterwards: the first that lasts.
            var before = FeatureProbeTests.traces()
            var (same, turns) = (0, 0)
            while same < 20 {
                usleep(20_000)
                turns += 1
                guard turns < 3000 else { exit(4) }
                let next = FeatureProbeTests.traces()
                same = next == before ? same + 1 : 0
                before = next
            }
            // The control: a pipe left open would be seen.
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0, FeatureProbeTests.traces() != before else { exit(3) }
            close(ends[0])
            close(ends[1])
            for probe in FeatureProbe.allCases { _ = probe.outcome(as: FeatureProbeTests.identity) }
            // What the test library's own threads have open for a moment goes again.
            var difference = FeatureProbeTests.traces().difference(from: before)
            for _ in 0..<1200 where !difference.isEmpty {
                usleep(50_000)
                difference = FeatureProbeTests.traces().difference(from: before)
            }
            guard difference.isEmpty else {
                print(difference)
                fflush(nil)
                exit(1)
            }
            // No child is left, dead or alive.
            guard waitpid(-1, nil, WNOHANG) == -1, errno == ECHILD else { exit(2) }
        }
        let said = result.map { String(decoding: $0.standardOutputContent, as: UTF8.self) } ?? ""
        #expect(said.isEmpty, "\(said)")
    }

    /// What a probe could change in its caller.
    private static func traces() -> [String] {
        var traces: [String] = []
        for name in ["user", "mnt", "pid", "pid_for_children", "net", "ipc", "uts", "cgroup"] {
            let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\(name)")
            traces.append(link ?? "\(name) unreadable")
        }
        let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        // The test library opens and closes eventfds and timerfds on threads of its own; a probe has pipes.
        traces += (descriptors ?? [])
            .map { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) ?? "closed" }
            .filter { !$0.hasPrefix("anon_inode:") && $0 != "closed" }
            .sorted()
        // Elsewhere others may mount and unmount meanwhile; the probes would do it over the root.
        #expect(FileManager.default.isReadableFile(atPath: "/proc/self/mountinfo"))
        let mounts = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        traces += mounts.split(separator: "\n").filter { $0.split(separator: " ")[4] == "/" }.map(String.init)
        for file in ["uid_map", "limits", "sessionid"] {
            traces.append((try? String(contentsOfFile: "/proc/self/\(file)", encoding: .utf8)) ?? "\(file) unreadable")
        }
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let kept = ["Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp"]
        traces += status.split(separator: "\n").filter { line in kept.contains { line.hasPrefix($0) } }.map(String.init)
        return traces
    }

    @Test func aFullDescriptorTableIsSaid() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 0, rlim_max: 0)
            guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { exit(2) }
            let outcome = FeatureProbe.pidfd.outcome(as: FeatureProbeTests.identity)
            exit(outcome == .notStarted(errno: EMFILE) ? 0 : 1)
        }
    }

    @Test func aProbeThatTakesTooLongIsKilled() {
        var who = cs_probe_identity(uid: geteuid(), gid: getegid(), drop: 0)
        var result = cs_probe_result()
        cs_probe_run(CS_PROBE_PROC, &who, 0, &result)
        #expect(ProbeOutcome(result) == .timedOut)
    }

    @Test func aNumberThatIsNoProbeIsRefused() {
        var who = cs_probe_identity(uid: 1, gid: 1, drop: 0)
        var result = cs_probe_result()
        cs_probe_run(CS_PROBE_COUNT, &who, 1000, &result)
        #expect(ProbeOutcome(result) == .notStarted(errno: EINVAL))
    }

    @Test func everyCallHasAName() {
        #expect(cs_probe_call_name(0) == nil)
        #expect(cs_probe_call_name(-1) == nil)
        var names: Set<String> = []
        var call: Int32 = 1
        while let name = cs_probe_call_name(call) {
            #expect(names.insert(String(cString: name)).inserted)
            call += 1
        }
        #expect(call > 50)
    }
}
