import Foundation
import SandboxPlan
import SandboxPolicy
import Testing

@testable import PolicyCompiler

@Suite struct BuiltinPolicyTests {
    private func text(_ policy: BuiltinPolicy) -> String { String(decoding: policy.text.bytes, as: UTF8.self) }

    @Test func embeddedTextsAreTheFiles() throws {
        let folder = packageFile("policies")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(files == BuiltinPolicy.all.map { "\($0.name).toml" }.sorted())
        for policy in BuiltinPolicy.all {
            let file = try Data(contentsOf: folder.appendingPathComponent("\(policy.name).toml"))
            #expect(file.elementsEqual(policy.text.bytes), "run scripts/embed-policies")
        }
    }

    @Test func everyOneCompiles() throws {
        for policy in BuiltinPolicy.all {
            let compiled = try compiled("\(policy.name)", text(policy))
            #expect(compiled.policy.summary == "\(policy.summary)")
            #expect(compiled.policy.name == "\(policy.name)")
            #expect(compiled.digest == Array(repeating: 7, count: 32))
            #expect(!compiled.placeFilter.instructions.isEmpty && !compiled.processFilter.instructions.isEmpty)
        }
    }

    /// The file spells the defaults out; neither can change without the other.
    @Test func workspaceWriteIsTheDefaults() throws {
        let policy = try #require(BuiltinPolicy.named(BuiltinPolicy.defaultName))
        var found = try PolicyDocument(name: "x", text: text(policy)).validated()
        found.summary = ""
        #expect(found == PolicyDefaults.policy(named: "x"))
    }

    @Test func readOnlyDiffersInOneThing() throws {
        let policy = try #require(BuiltinPolicy.named("read-only"))
        var found = try PolicyDocument(name: "x", text: text(policy)).validated()
        #expect(found.workspace == .readOnly)
        found.workspace = .readWrite
        found.summary = ""
        #expect(found == PolicyDefaults.policy(named: "x"))
    }

    @Test func onlyTheDangerousOneIsUnconfined() throws {
        for policy in BuiltinPolicy.all {
            let found = try PolicyDocument(name: "x", text: text(policy)).validated()
            #expect((found.confinement == .none) == (policy.name.description == "danger-full-access"))
        }
    }

    @Test func unknownNameIsNone() {
        #expect(BuiltinPolicy.named("workspace") == nil)
        #expect(BuiltinPolicy.named("") == nil)
    }

    @Test func defaultsKeepBackWhatTheyMust() {
        let exclude = Set(PolicyDefaults.exclude)
        for pattern: OSString in [
            "*KEY*", "*SECRET*", "*TOKEN*", "LD_*", "GIT_*", "SSH_*", "DBUS_*", "*_PROXY", "BASH_*",
        ] {
            #expect(exclude.contains(pattern))
        }
        #expect(exclude.count == PolicyDefaults.exclude.count)
        for name: OSString in [
            "shadow", "machine-id", "resolv.conf", "hosts", "hostname", "passwd", "group", "ssh", "ssl", "pki",
        ] {
            #expect(!PolicyDefaults.etc.contains(name))
        }
        #expect(PolicyDefaults.coverMissing.allSatisfy(PolicyDefaults.protect.contains))
    }
}
