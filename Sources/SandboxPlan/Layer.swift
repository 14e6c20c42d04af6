/// One thing that confines a job.
///
/// `explain`, `doctor`, results and records speak of layers by these names.
public enum Layer: String, Hashable, Sendable, CaseIterable {
    case userNamespace = "user-namespace"
    case mountNamespace = "mount-namespace"
    case pidNamespace = "pid-namespace"
    case networkNamespace = "network-namespace"
    case ipcNamespace = "ipc-namespace"
    case utsNamespace = "uts-namespace"
    case cgroupNamespace = "cgroup-namespace"
    case mounts
    case landlock
    case seccomp
    case noNewPrivileges = "no-new-privileges"
    case capabilities
    case nestedNamespaces = "nested-namespaces"
    case keyring
    case descriptors
    case environment
    case attributes
    case rlimits
    case memory
    case wallClock = "wall-clock"
}

/// What became of a layer in one launch.
public enum Enforcement: Hashable, Sendable {
    case enforced
    /// In force but for the named parts, which a policy accepted as `best-effort`, or other layers hold.
    case degraded(missing: [String])
    /// Held by the supervisor's watching, not by the kernel.
    case watched
    case notRequested
    /// Not in force: the launch was refused.
    case failed

    public var word: String {
        switch self {
        case .enforced: "enforced"
        case .degraded: "degraded"
        case .watched: "watched"
        case .notRequested: "not requested"
        case .failed: "failed"
        }
    }
}

/// Who saw that a value is what the plan says.
public enum Observer: String, Hashable, Sendable {
    /// The supervisor, from what the kernel says about the process.
    case outside
    /// The process itself, by reading back.
    case selfReported = "self-reported"
    /// The process itself, by an act that was refused.
    case refusedAct = "refused-act"
}

/// One compared field: the plan's value against the kernel's.
public struct Observation: Hashable, Sendable {
    public var layer: Layer
    /// What was compared: `NoNewPrivs`, `mount /tmp`.
    public var field: String
    public let expected: String
    public let found: String
    public var observer: Observer
    /// Whether the two are the same, byte by byte: to `String` two spellings of one character are the same.
    ///
    /// A launch asks this four times of each.
    public let agrees: Bool

    public init(layer: Layer, field: String, expected: String, found: String, observer: Observer) {
        self.layer = layer
        self.field = field
        self.expected = expected
        self.found = found
        self.observer = observer
        agrees = Observation.isSame(expected, found)
    }

    private static func isSame(_ one: String, _ other: String) -> Bool {
        var one = one
        var other = other
        return one.withUTF8 { one in
            other.withUTF8 { other in
                guard one.count == other.count else { return false }
                for index in 0..<one.count where one[index] != other[index] { return false }
                return true
            }
        }
    }
}

/// A layer of one launch: what was asked, what became of it, and by which observations that is known.
public struct LayerReport: Hashable, Sendable {
    public var layer: Layer
    public var requirement: Requirement
    public var enforcement: Enforcement
    public var observations: [Observation]

    public init(layer: Layer, requirement: Requirement, enforcement: Enforcement, observations: [Observation]) {
        self.layer = layer
        self.requirement = requirement
        self.enforcement = enforcement
        self.observations = observations
    }
}
