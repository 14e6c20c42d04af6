public import SandboxPlan

/// How a policy is asked for.
public enum PolicyReference: Hashable, Sendable {
    /// A user's own file below the settings folder, else a built-in.
    case named(String)
    case file(OSString)

    var isFile: Bool {
        switch self {
        case .named: false
        case .file: true
        }
    }

    /// As somebody wrote it.
    var word: String {
        switch self {
        case .named(let name): name
        case .file(let path): path.description
        }
    }
}
