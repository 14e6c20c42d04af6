import SandboxPlan
import SandboxPolicy

@testable import PolicyCompiler

/// Texts by what an `extends` says; none of them is a file.
typealias Texts = [String: String]

/// A text for the compiler; its digest is always the same.
func input(_ kind: PolicyFile.Kind, _ name: String, _ text: String) -> PolicyInputs.Text {
    PolicyInputs.Text(
        file: PolicyFile(
            kind: kind,
            name: name,
            path: kind == .builtIn ? "" : OSString("/\(name)"),
            digest: [UInt8](repeating: 7, count: 32)
        ),
        text: Array(text.utf8)
    )
}

/// The policy of a text that may extend others.
func compiled(
    _ name: String,
    _ text: String,
    extending texts: Texts = [:],
    project: String? = nil,
    ceiling: String? = nil,
    home: OSString = "/home/ann"
) throws(PolicyError) -> CompiledPolicy {
    try compilePolicy(
        PolicyInputs(
            named: input(.builtIn, name, text),
            project: project.map { input(.project, ".codex-sandbox.toml", $0) },
            ceiling: ceiling.map { input(.ceiling, "policy.toml", $0) },
            settingsFolder: "",
            home: home
        ),
        base: { (word, _) throws(BaseProblem) in
            guard let text = texts[word] else { throw BaseProblem(why: "there is none", remedy: "write one") }
            return input(.own, word, text)
        },
        sha256: { _ in [UInt8](repeating: 7, count: 32) }
    )
}
