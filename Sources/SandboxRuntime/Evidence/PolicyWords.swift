internal import SandboxPlan

/// The words for a policy's choices in records, as policy files have them.
extension PolicyFile.Kind {
    var word: String {
        switch self {
        case .builtIn: "built-in"
        case .own: "own"
        case .file: "file"
        case .project: "project"
        case .ceiling: "ceiling"
        }
    }
}

extension WorkspaceAccess {
    var word: String {
        switch self {
        case .readOnly: "read-only"
        case .readWrite: "read-write"
        }
    }
}

extension Requirement {
    var word: String {
        switch self {
        case .required: "required"
        case .bestEffort: "best-effort"
        }
    }
}

extension EnvironmentPolicy.Inherit {
    var word: String {
        switch self {
        case .none: "none"
        case .core: "core"
        case .all: "all"
        }
    }
}

extension LimitPolicy.Kind {
    var word: String {
        switch self {
        case .tasks: "tasks"
        case .memory: "memory"
        case .cpu: "cpu"
        }
    }
}

extension Cover {
    var word: String {
        switch self {
        case .unreadableFile: "unreadable-file"
        case .unreadableFolder: "unreadable-folder"
        case .emptyFolder: "empty-folder"
        case .itselfReadOnly: "itself-read-only"
        case .emptyFile: "empty-file"
        case .ownCommonFolder: "own-common-folder"
        }
    }
}
