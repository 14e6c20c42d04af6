/// What became of a scope of the user's service manager for a launch whose caller's cgroup is not its to divide (systemd.scope(5)).
public enum ScopeRequest: Hashable, Sendable {
    /// There was nothing to ask for, or nobody to ask: a subtree is there already, none would help, no user bus, or root.
    case none
    /// `run` asks for one; nobody has yet.
    case wanted
    /// None is asked for, because the launch belongs where its caller is. Why, as a part of a sentence.
    case kept(String)
    /// The launcher was moved into this unit.
    case entered(unit: String)
    /// Asked for and not had. Why, as a part of a sentence.
    case failed(String)

    /// One word, as the record has it; empty for nothing.
    public var word: String {
        switch self {
        case .none: ""
        case .wanted: "wanted"
        case .kept: "kept"
        case .entered: "entered"
        case .failed: "failed"
        }
    }

    /// A sentence for people; empty for nothing.
    public var words: String {
        switch self {
        case .none: ""
        case .wanted:
            "run asks the user's service manager for a scope of its own first: in it the kernel holds memory, tasks and cpus; without one "
                + "they are held as said here, or the launch is refused where limits.require_kernel names one"
        case .kept(let why): "no scope is asked for: \(why)"
        case .entered(let unit): "in \(unit), which the user's service manager has made for this launch"
        case .failed(let why): "no scope could be had from the user's service manager: \(why)"
        }
    }
}

extension CgroupAbsence {
    /// Whether another group of the same user's can be any better.
    public var isMendedByScope: Bool {
        switch self {
        case .notWritable, .notDelegated: true
        // One that hands nothing on may lie between us and the user's manager.
        case .noControllers(let lacks): lacks.contains { if case .heldBack = $0.cause { true } else { false } }
        case .notUsed, .versionOne, .notMounted, .outsideNamespace, .otherMount, .readOnly, .failed: false
        }
    }
}
