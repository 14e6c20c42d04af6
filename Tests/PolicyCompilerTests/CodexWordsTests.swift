import SandboxPlan
import SandboxPolicy
import Testing

@testable import PolicyCompiler

/// `[codex]`: the words of the Codex CLI (CONV-40 to CONV-47), and what contradicts itself in them.
@Suite struct CodexWordsTests {
    private func policy(_ text: String) throws -> Policy {
        try compiled("top", "version = 1\n[codex]\n\(text)\n").policy
    }

    private func problems(_ text: String, home: OSString = "/home/ann") -> [String] {
        do throws(PolicyError) {
            _ = try compiled("top", "version = 1\n[codex]\n\(text)\n", home: home)
            return []
        } catch {
            return error.description.split(separator: "\n").map(String.init)
        }
    }

    @Test func theModesAreWhatTheySay() throws {
        let readOnly = try policy("sandbox_mode = \"read-only\"")
        #expect(readOnly.workspace == .readOnly && readOnly.confinement == .sandbox)
        let write = try policy("sandbox_mode = \"workspace-write\"")
        #expect(write.workspace == .readWrite && write.network == .off(loopback: true) && write.filesystem.write == [])
        let full = try policy("fs_isolation = false\nsandbox_mode = \"danger-full-access\"")
        #expect(full.confinement == .none)
        // Resolution without a mode.
        #expect(
            try policy("") == write && policy("fs_isolation = true") == write && policy("fs_isolation = false") == full
        )
    }

    @Test func gitAndCodexAreKeptWhole() throws {
        for text in ["", "sandbox_mode = \"read-only\"", "writable_roots = [\"/srv/x\"]"] {
            #expect(try policy(text).filesystem.protect == PolicyDefaults.protect + [".git"])
        }
        #expect(PolicyDefaults.protect.contains(".codex"))
    }

    @Test func rootsAreWritableAndOfFoldersThoseThatSaySo() throws {
        let found = try policy(
            """
            writable_roots = ["/srv/out/", "~/x"]
            extra_allowed_dirs = [{ path = "~", mode = "ro" }, { path = "/srv/data", mode = "rw" }]
            """
        )
        #expect(found.filesystem.write == ["/srv/out", "/home/ann/x", "/srv/data"])
        #expect(found.filesystem.read == ["/home/ann"])
    }

    @Test func theNetworkIsOffUnlessItIsSaidTwice() throws {
        #expect(try policy("network_access = false").network == .off(loopback: true))
        let loud = "network_access = true\n[danger]\nhost_network = true"
        #expect(try policy(loud).network == .host)
    }

    @Test func variablesAreAddedAndRemoved() throws {
        let found = try policy("scrub_env = [\"LANG\"]\nenv = { A = \"1\" }")
        #expect(found.environment.exclude == PolicyDefaults.exclude + ["LANG"])
        #expect(found.environment.set == [EnvironmentEntry(name: "A", value: "1")])
    }

    @Test(arguments: [
        (
            "sandbox_mode = \"workspace_write\"",
            "top:3:16: codex.sandbox_mode: \"workspace_write\", it must be one of \"read-only\", \"workspace-write\", "
                + "\"danger-full-access\"; did you mean \"workspace-write\"?"
        ),
        (
            "sandbox_mode = \"danger-full-access\"",
            "top:3:16: codex.sandbox_mode: sandbox_mode = \"danger-full-access\" without fs_isolation = false, fs_isolation is "
                + "true where it is not written, and isolation leaves no full access; write fs_isolation = false beside it, or "
                + "another sandbox_mode"
        ),
        (
            "fs_isolation = true\nsandbox_mode = \"danger-full-access\"",
            "top:4:16: codex.sandbox_mode: sandbox_mode = \"danger-full-access\" beside fs_isolation = true, isolation on "
                + "leaves no full access; write fs_isolation = false, or another sandbox_mode"
        ),
        (
            "fs_isolation = false\nsandbox_mode = \"read-only\"",
            "top:4:16: codex.sandbox_mode: sandbox_mode = \"read-only\" or \"workspace-write\" beside fs_isolation = false, "
                + "isolation off leaves no confined mode; write fs_isolation = true, or another sandbox_mode"
        ),
        (
            "sandbox_mode = \"read-only\"\nnetwork_access = true\n[danger]\nhost_network = true",
            "top:4:18: codex.network_access: given beside sandbox_mode = \"read-only\", with sandbox_mode = \"read-only\" it "
                + "has no network; remove it, or write sandbox_mode = \"workspace-write\""
        ),
        (
            "sandbox_mode = \"read-only\"\nwritable_roots = [\"/x\"]",
            "top:4:19: codex.writable_roots[0]: given beside sandbox_mode = \"read-only\", with sandbox_mode = \"read-only\" "
                + "nothing is writable; remove it, or write sandbox_mode = \"workspace-write\""
        ),
        (
            "sandbox_mode = \"read-only\"\nextra_allowed_dirs = [{ path = \"/x\", mode = \"rw\" }]",
            "top:4:32: codex.extra_allowed_dirs[0].path: given beside sandbox_mode = \"read-only\", with sandbox_mode = "
                + "\"read-only\" nothing is writable; remove it, or write sandbox_mode = \"workspace-write\""
        ),
        (
            "extra_allowed_dirs = [{ path = \"/x\", mode = \"wx\" }]",
            "top:3:45: codex.extra_allowed_dirs[0].mode: \"wx\", it must be one of \"ro\", \"rw\"; write one of these words"
        ),
        (
            "writable_roots = [\"~root/x\"]",
            "top:3:19: codex.writable_roots[0]: \"~root/x\", it is not an absolute path without ..; write the absolute path, or "
                + "begin it with ~/"
        ),
        (
            "network_access = true",
            "top:3:18: codex.network_access: true without danger.host_network = true, the worker would reach everything this "
                + "machine reaches; leave it out, or add [danger] host_network = true"
        ),
        (
            "[workspace]\naccess = \"read-only\"",
            "top:4:1: workspace.access: given beside [codex], its words say the same, and one of the two would be lost; say it once"
        ),
    ]) func whatContradictsItselfNamesBoth(text: String, problem: String) {
        #expect(problems(text) == [problem])
    }

    @Test(arguments: [
        "extra_allowed_dirs = [{ path = \"/x\" }]", "extra_allowed_dirs = [\"/x\"]", "extra_allowed_dirs = 1",
        "writable_roots = [\"x\"]", "writable_roots = [\"/a/../b\"]", "writable_roots = [\"/a\", \"/a/\"]",
        "sandbox = \"read-only\"",
        "fs_isolation = false\nwritable_roots = [\"/x\"]", "fs_isolation = false\nscrub_env = [\"A\"]",
        "fs_isolation = \"no\"",
    ]) func isRefused(text: String) { #expect(problems(text).count == 1, "\(problems(text))") }

    @Test func withoutAHomeNothingIsBelowIt() {
        #expect(problems("writable_roots = [\"~/x\"]", home: "").first?.contains("no home is known here") == true)
    }

    /// In a project's file, the words are held to the same order as any others.
    @Test func aProjectsWordsNarrowOrAreRefused() throws {
        func outcome(_ text: String) throws -> Policy {
            let compiled = try compiled("top", "version = 1\n", project: "version = 1\n[codex]\n\(text)\n")
            return try EffectivePolicy(
                compiled,
                PolicyOverrides(),
                workspace: "/w",
                trust: .untrusted(why: "")
            ).policy
        }
        #expect(try outcome("sandbox_mode = \"read-only\"").workspace == .readOnly)
        #expect(throws: Refusal.self) { try outcome("writable_roots = [\"/srv\"]") }
        #expect(throws: PolicyError.self) { try outcome("fs_isolation = false") }
    }
}
