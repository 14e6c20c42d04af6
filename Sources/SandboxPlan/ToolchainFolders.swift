/// Managers of tools that live in a person's home, by the words of `filesystem.toolchains`, with their folders below it.
///
/// Only the usual folders: somebody who has moved them names them with `filesystem.read`.
public enum ToolchainFolders {
    public static let all: [(name: String, folders: [OSString])] = [
        ("rustup", [".rustup", ".cargo/bin"]), ("nvm", [".nvm"]), ("pyenv", [".pyenv"]),
        ("swiftly", [".local/share/swiftly"]),
    ]

    /// The manager in whose folder a path lies, whoever's home it is; nil where it lies in none.
    public static func name(of path: OSString) -> String? {
        let bytes = path.bytes
        for (name, folders) in all {
            for folder in folders {
                let part = Array("/".utf8) + folder.bytes + Array("/".utf8)
                guard bytes.count > part.count else { continue }
                let isIn = (0...(bytes.count - part.count)).contains { bytes[$0...].starts(with: part) }
                if isIn { return name }
            }
        }
        return nil
    }
}
