/// One attempt of a hostile program: what it does, what must come of it, and the control that shows it can succeed.
///
/// The same program is run outside first, with the worker's id and in a scene of its own: there it must succeed, or the
/// attempt shows nothing. Then inside. Each act's outcome is compared by name (an errno, a signal), and the host looks
/// at its own things: a token that must not appear in the output, a canary that must not have been reached.
public struct Attempt: Sendable, CustomStringConvertible {
    public enum Program: String, Sendable {
        case files = "hostile-files"
        case processes = "hostile-processes"
        case kernel = "hostile-kernel"
        case network = "hostile-network.py"
        case trust = "hostile-trust.py"
    }

    /// Who makes the attempt outside.
    public enum Control: Sendable {
        /// The worker's id, with nothing around it.
        case worker
        /// Root of user, mount, IPC and UTS namespaces of its own: every capability that a namespace can give.
        case capable
        /// The host's root; without it there is no control.
        case root
        /// There is nothing to succeed outside: the reason why.
        case none(String)
    }

    /// The row of the threat list.
    public var row: String
    /// What is attempted, in words.
    public var what: String
    public var program: Program
    public var name: String
    public var control: Control
    /// What it needs on the host; both scenes get it.
    public var prepare: @Sendable (Scene) throws -> Void
    public var arguments: @Sendable (Scene) throws -> [String]
    /// Where the control needs others.
    public var controlArguments: (@Sendable (Scene) throws -> [String])?
    /// Of the launcher.
    public var options: @Sendable (Scene) throws -> [String]
    /// Of the keeper, for both runs.
    public var keeper: @Sendable (Scene) throws -> [String]
    /// Of the keeper, for the control.
    public var controlKeeper: @Sendable (Scene) throws -> [String]
    /// Act to outcomes that are right inside; every line of that name must be one of them.
    public var inside: [String: Set<String>]
    /// Act to outcomes that are right outside; "ok" where nothing is said.
    public var outside: [String: Set<String>]
    /// Act to outcomes outside which mean that this host has no such thing: no control, and said so.
    public var absent: [String: Set<String>]
    /// Whether the host's thing was reached; the token in the output always counts.
    public var reached: (@Sendable (Scene, RunResult) throws -> Bool)?
    /// What the host finds wrong after the run inside; empty: nothing.
    public var after: @Sendable (Scene, RunResult) throws -> [String]
    /// Whether the token can appear outside, as the control's proof.
    public var leaksOutside: Bool
    /// How it ends inside.
    public var ending: Set<Ending>
    /// Of both runs, over the caller's; it may depend on the scene.
    public var environment: @Sendable (Scene) -> [String: String]

    public init(
        _ row: String,
        _ what: String,
        _ program: Program,
        _ name: String,
        control: Control = .worker,
        prepare: @escaping @Sendable (Scene) throws -> Void = { _ in },
        arguments: @escaping @Sendable (Scene) throws -> [String] = { _ in [] },
        controlArguments: (@Sendable (Scene) throws -> [String])? = nil,
        options: @escaping @Sendable (Scene) throws -> [String] = { _ in [] },
        keeper: @escaping @Sendable (Scene) throws -> [String] = { _ in [] },
        controlKeeper: @escaping @Sendable (Scene) throws -> [String] = { _ in [] },
        inside: [String: Set<String>],
        outside: [String: Set<String>] = [:],
        absent: [String: Set<String>] = [:],
        leaks: Bool = false,
        ending: Set<Ending> = [.exited(0)],
        environment: @escaping @Sendable (Scene) -> [String: String] = { _ in [:] },
        after: @escaping @Sendable (Scene, RunResult) throws -> [String] = { _, _ in [] },
        reached: (@Sendable (Scene, RunResult) throws -> Bool)? = nil
    ) {
        self.row = row
        self.what = what
        self.program = program
        self.name = name
        self.control = control
        self.prepare = prepare
        self.arguments = arguments
        self.controlArguments = controlArguments
        self.options = options
        self.keeper = keeper
        self.controlKeeper = controlKeeper
        self.inside = inside
        self.outside = outside
        self.absent = absent
        self.leaksOutside = leaks
        self.ending = ending
        self.environment = environment
        self.after = after
        self.reached = reached
    }

    public var description: String { "\(row) \(what)" }

    func command(in scene: Scene, _ arguments: [String]) -> [String] {
        let path = scene.program(program.rawValue)
        return (program.rawValue.hasSuffix(".py") ? ["/usr/bin/python3", "-B", path] : [path]) + [name] + arguments
    }
}

/// Thrown where the host cannot have what an attempt needs: the attempt is then not made, and said so.
public struct HostForbids: Error {
    public var reason: String

    public init(_ reason: String) {
        self.reason = reason
    }
}
