internal import SandboxPlan

/// Names that tools obey, which nobody writes through the API.
///
/// The policies keep them from jobs by mounts (docs/policy.md, `protect`), and those mounts are not here. Stricter than there:
/// all of `.git`, in any folder and in any letter case, because git, direnv and editors look for them in subfolders too, and
/// some file systems do not tell cases apart.
enum KeptNames {
    private static let names: Set<String> = [
        ".git", ".gitmodules", ".codex", ".codex-sandbox.toml", ".mcp.json", ".claude", ".vscode", ".idea", ".envrc",
    ]

    static func contains(_ path: OSString) -> Bool {
        path.components.contains { name in
            let lower = name.bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
            guard let text = OSString(lower).utf8 else { return false }
            return names.contains(text)
        }
    }
}
