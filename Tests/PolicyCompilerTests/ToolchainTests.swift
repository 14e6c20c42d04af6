import SandboxPlan
import SandboxPolicy
import Testing

@testable import PolicyCompiler

@Suite struct ToolchainTests {
    private func policy(_ text: String, extending texts: Texts = [:]) throws -> Policy {
        try compiled("top", "version = 1\n\(text)", extending: texts).policy
    }

    @Test func aNameStandsForFoldersBelowTheHome() throws {
        let policy = try policy("[filesystem]\ntoolchains = [\"rustup\", \"nvm\"]\n")
        #expect(policy.filesystem.read == ["/home/ann/.rustup", "/home/ann/.cargo/bin", "/home/ann/.nvm"])
        #expect(policy.filesystem.denyGlobs.first == "/home/ann/.nvm/versions/*/*/etc/npmrc")
        #expect(
            policy.environment.set == [
                EnvironmentEntry(name: "NVM_DIR", value: "/home/ann/.nvm"),
                EnvironmentEntry(name: "RUSTUP_HOME", value: "/home/ann/.rustup"),
            ]
        )
    }

    @Test(arguments: Toolchain.all.map(\.name)) func eachOneIsReadOnlyAndBelowTheHome(name: String) throws {
        let policy = try policy("[filesystem]\ntoolchains = [\"\(name)\"]\n")
        #expect(!policy.filesystem.read.isEmpty && policy.filesystem.write == [])
        for path in policy.filesystem.read + policy.filesystem.denyGlobs + policy.environment.set.map(\.value) {
            #expect(path.isWithin("/home/ann") && path != "/home/ann")
        }
        // The folder that Cargo's credentials lie in is never one of them.
        #expect(!policy.filesystem.read.contains("/home/ann/.cargo"))
    }

    /// Beside what is said, and what is extended.
    @Test func nothingElseIsLost() throws {
        let said = try policy(
            "[filesystem]\nread = [\"/a\"]\ntoolchains = [\"pyenv\"]\n[environment.set]\nPYENV_ROOT = \"/b\"\nX = \"y\"\n"
        )
        #expect(said.filesystem.read == ["/a", "/home/ann/.pyenv"])
        #expect(said.environment.set.map(\.value) == ["/b", "y"])
        let base = ["base": "version = 1\n[filesystem]\nread = [\"/a\"]\n"]
        let extended = try policy("extends = \"base\"\n[filesystem]\ntoolchains = [\"pyenv\"]\n", extending: base)
        #expect(extended.filesystem.read == ["/a", "/home/ann/.pyenv"])
    }

    /// A home of which no pattern can be made would be shown without anything denied in it.
    @Test(arguments: ["/" + String(repeating: "a/", count: 29) + "ann", "/home/a[b]"])
    func aHomeThatNoPatternNamesIsRefused(
        home: String
    ) throws {
        #expect(throws: PolicyError.self) {
            _ = try compiled("top", "version = 1\n[filesystem]\ntoolchains = [\"nvm\"]\n", home: OSString(home))
        }
        // One without credentials needs none.
        _ = try compiled("top", "version = 1\n[filesystem]\ntoolchains = [\"rustup\"]\n", home: OSString(home))
    }

    @Test func settingsOfCondaAndOldVersionsOfNodeAreDenied() throws {
        let globs = try policy("[filesystem]\ntoolchains = [\"nvm\", \"pyenv\"]\n").filesystem.denyGlobs
        let walked =
            ["/home/ann/.nvm/v0.10.48/etc/npmrc", "/home/ann/.pyenv/versions/miniconda3/.condarc"] as [OSString]
        for path in walked {
            #expect(globs.contains { DenyPattern($0).match(onTheWayTo: path) == path }, "\(path)")
        }
    }

    @Test func withoutAHomeThereIsNone() {
        #expect(throws: PolicyError.self) {
            _ = try compiled("top", "version = 1\n[filesystem]\ntoolchains = [\"nvm\"]\n", home: "")
        }
    }

    /// What a project would be shown of a home is more than its policy gives.
    @Test func aProjectDoesNotShowItselfTheHome() throws {
        let compiled = try compiled(
            "top",
            "version = 1\n",
            project: "version = 1\n[filesystem]\ntoolchains = [\"nvm\"]\n"
        )
        #expect(throws: Refusal.self) {
            try EffectivePolicy(compiled, PolicyOverrides(), workspace: "/w", trust: .untrusted(why: ""))
        }
    }
}
