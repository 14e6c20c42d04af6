import SandboxPlan
import Testing

@testable import SandboxCLI

/// What takes the sandbox away has to be said twice, and never goes together with what it would undo.
@Suite struct DangerTests {
    private func run(_ words: [OSString]) throws -> RunOptions {
        guard case .run(let options) = try Command.parse(["run"] + words + ["true"]) else {
            throw UsageError(.noCommand)
        }
        return options
    }

    private func expectConflict(_ words: [OSString], _ sentence: String) {
        #expect(throws: UsageError(.conflict(sentence), command: .run)) { try run(words) }
    }

    @Test func hostNetworkNeedsItsFlag() throws {
        expectConflict(
            ["--network", "host"],
            "--network host gives the command everything that this machine can reach, services on its own loopback "
                + "included. If that is meant, add --danger-host-network."
        )
        let options = try run(["--danger-host-network", "--network", "host"])
        #expect(options.overrides.network == .host)
        #expect(options.dangerHostNetwork)
    }

    @Test func theFlagAloneDoesNothingAndSaysSo() {
        for words in [["--danger-host-network"], ["--danger-host-network", "--network=off"]] as [[OSString]] {
            expectConflict(
                words,
                "--danger-host-network only permits --network host, which is not given. Add it, or leave both out."
            )
        }
    }

    @Test func fullAccessNeedsItsFlag() throws {
        expectConflict(
            ["--policy", "danger-full-access"],
            "The policy danger-full-access runs the command without any sandbox. If that is meant, "
                + "add --danger-full-access."
        )
        let selected = try run(["--danger-full-access"])
        #expect(selected.policy == .dangerFullAccess)
        #expect(try run(["--policy=danger-full-access", "--danger-full-access"]) == selected)
    }

    /// Its text may be full access, too: the launch, which knows it, refuses one that is a sandbox.
    @Test func anotherPolicyBesideTheFlagIsLeftToTheLaunch() throws {
        let options = try run(["--danger-full-access", "--policy", "./full.toml"])
        #expect(options.policy == .file("./full.toml") && options.dangerFullAccess)
        expectConflict(
            ["--danger-full-access", "--policy", "./full.toml", "--pids", "5"],
            "--danger-full-access runs the command without any sandbox, so --pids would not hold. Leave one of the two out."
        )
    }

    @Test(arguments: [
        "--deny=/x", "--network=off", "--memory=1GiB", "--pids=5", "--cpu=1", "--tmp-size=1GiB", "--file-size=1",
        "--env=A=",
    ])
    func fullAccessLosesNoRestrictionSilently(_ restriction: String) {
        let written = ["--network=off": "--network off", "--env=A=": "--env NAME=VALUE"]
        let name = written[restriction] ?? String(restriction.prefix { $0 != "=" })
        expectConflict(
            ["--danger-full-access", OSString(restriction)],
            "--danger-full-access runs the command without any sandbox, so \(name) would not hold. "
                + "Leave one of the two out."
        )
    }

    @Test func grantsAreNoConflict() throws {
        let options = try run([
            "--danger-full-access", "--read=/x", "--write=/y", "--env=A", "--timeout=5s", "--network=host",
            "--danger-host-network",
        ])
        #expect(options.policy == .dangerFullAccess)
    }

    @Test func explainHasTheSameRules() {
        #expect(throws: UsageError.self) { try Command.parse(["explain", "--network", "host", "--", "true"]) }
        #expect(throws: UsageError.self) { try Command.parse(["explain", "--policy=danger-full-access", "true"]) }
    }
}
