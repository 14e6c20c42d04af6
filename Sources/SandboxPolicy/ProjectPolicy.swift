public import SandboxPlan

/// A project's own `.codex-sandbox.toml`.
public enum ProjectPolicy {
    public static let name: OSString = ".codex-sandbox.toml"

    /// Refuses a file that says more than `version = 1`: what it would narrow must not be passed over in silence.
    public static func check(_ text: [UInt8], at path: OSString) throws(Refusal) {
        var statements: [[UInt8]] = []
        for line in text.split(separator: 0x0A) {
            let code = line.prefix { $0 != UInt8(ascii: "#") }.filter { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }
            if !code.isEmpty { statements.append(Array(code)) }
        }
        if statements == [Array("version=1".utf8)] { return }
        throw Refusal(
            stage: "policy",
            subject: path.description,
            message: "the project's policy \(path) says more than `version = 1`, and this version does not read it yet",
            remedy: "move what it says into a file for --policy, or reduce it to `version = 1`"
        )
    }
}
