internal import SandboxCLI
internal import SandboxPlan
internal import SandboxRuntime

/// `codex-sandbox policy`.
enum PolicyCommand {
    static func status(_ options: PolicyOptions) -> Int32 {
        do throws(Refusal) {
            switch options {
            case .list:
                return Output.show(PolicyReport.list(try entries()), status: 0)
            case .show(let source):
                let shown = try policy(from: source)
                let report = PolicyReport(policy: shown.policy, origins: shown.origins, style: Output.style)
                return Output.show(report.text, status: 0)
            case .check(.file(let path)) where PolicyCatalog.isProjectFile(path):
                try PolicyCatalog(environment: CallerStrings.environment).checkProject(path)
                return Output.show(
                    "\(Shown.whole(path)): no problems, as the file of a project. A launch refuses what of it widens the policy: `codex-sandbox explain`.\n",
                    status: 0
                )
            case .check(let source):
                let policy = try policy(from: source).policy
                return Output.show("\(name(of: source)): no problems. \(policy.summary)\n", status: 0)
            case .trust(let options): return try TrustCommand.trust(options)
            case .untrust(let options): return try TrustCommand.untrust(options)
            case .trusted(let options): return try TrustCommand.list(options)
            }
        } catch {
            Output.say(OwnWords.refusal(error))
            return 1
        }
    }

    private static func name(of source: PolicySource) -> String {
        switch source {
        case .named(let name): name
        case .file(let path): Shown.whole(path)
        }
    }

    /// All policies by name.
    private static func entries() throws(Refusal) -> [PolicyReport.Entry] {
        try PolicyCatalog(environment: CallerStrings.environment).entries().map {
            PolicyReport.Entry(name: $0.name, origin: $0.origin, summary: $0.summary)
        }
    }

    /// Compiles it, or refuses with every problem.
    private static func policy(from source: PolicySource) throws(Refusal) -> PolicyCatalog.Shown {
        let catalog = PolicyCatalog(environment: CallerStrings.environment)
        let shown = try catalog.load(LaunchOptions.reference(source))
        if !shown.warnings.isEmpty { Output.say(OwnWords.lines(shown.warnings)) }
        return shown
    }
}
