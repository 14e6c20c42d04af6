internal import SandboxCLI
internal import SandboxPlan
internal import SandboxPolicy
internal import SandboxRuntime

extension LaunchOptions {
    /// The command line's options as the runtime wants them.
    init(_ options: RunOptions, closedStreams: Int) {
        let environment = CallerStrings.environment
        self.init(
            arguments: options.command,
            environment: environment,
            policy: LaunchOptions.reference(options, environment),
            closedStreams: closedStreams
        )
        workspace = options.workspace
        workingDirectory = options.workingDirectory
        overrides = options.overrides
        allowRootOwnedWorkspace = options.allowRootOwnedWorkspace
        fullAccess = options.dangerFullAccess
        stateFolder = options.stateDirectory
        evidenceCopy = options.evidence
        durable = options.durable
        terminal = options.terminal
        reportsDenials = options.reportsDenials
        name = options.name
        switch options.result {
        case .file(let path): result = .file(path)
        case .descriptor(let number): result = .descriptor(number)
        case nil: result = nil
        }
    }

    private static func reference(_ options: RunOptions, _ environment: [OSString]) -> PolicyReference {
        if options.policy == nil, options.dangerFullAccess { return .named("danger-full-access") }
        return reference(options.policy, environment)
    }

    /// Flag, then our variable, then the built-in default (design: precedence).
    static func reference(_ policy: PolicySource?, _ environment: [OSString]) -> PolicyReference {
        if let policy { return reference(policy) }
        let prefix = Array("CODEX_SANDBOX_POLICY=".utf8)
        guard let entry = environment.first(where: { $0.bytes.starts(with: prefix) }),
            entry.bytes.count > prefix.count
        else { return .named(BuiltinPolicy.defaultName) }
        let value = OSString(entry.bytes.dropFirst(prefix.count))
        // What is neither a name nor a path names no policy: the loader refuses it with the list.
        return PolicySource(value).map { reference($0) } ?? .named(value.description)
    }

    static func reference(_ source: PolicySource) -> PolicyReference {
        switch source {
        case .named(let name): .named(name)
        case .file(let path): .file(path)
        }
    }
}
