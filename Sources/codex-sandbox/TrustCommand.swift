internal import Glibc
internal import SandboxCLI
internal import SandboxPlan
internal import SandboxRuntime

/// `codex-sandbox policy trust` and `untrust`.
enum TrustCommand {
    /// Shows what would be approved, asks, and records it.
    static func trust(_ options: PolicyOptions.Trust) throws(Refusal) -> Int32 {
        let environment = CallerStrings.environment
        let trust = try ProjectTrust(stateFolder: options.stateDirectory, environment: environment)
        let policy = LaunchOptions.reference(options.policy, environment)
        let proposal = try trust.proposal(options.place, over: policy)
        if !proposal.warnings.isEmpty { Output.say(OwnWords.lines(proposal.warnings)) }
        let shown = Output.show(TrustReport.text(entries(proposal), proposal.file, proposal.before.name), status: 0)
        if shown != 0 { return shown }
        if !proposal.bounded.isEmpty {
            let keys = proposal.bounded.map(\.key.path).joined(separator: ", ")
            Output.say(
                OwnWords.lines([
                    "The administrator allows less than it asks for: \(keys). Approved, it gets what is allowed; else it is refused.",
                    "What it asks for beyond that is not approved: once the administrator's file says something else, it is shown again.",
                ])
            )
        }
        if proposal.wider.isEmpty && proposal.bounded.isEmpty {
            Output.say(OwnWords.lines(["It widens nothing, so there is nothing to approve: it holds as it is."]))
            return 0
        }
        if proposal.isTrusted {
            Output.say(OwnWords.lines(["It is approved already, just as it is."]))
            return 0
        }
        guard options.isAgreed || isAgreedByHand() else { return 1 }
        try trust.approve(proposal)
        Output.say(
            OwnWords.lines([
                "Approved over this policy, under the administrator's bound as it is. Any other byte in it, another place, another "
                    + "policy, or another bound is not."
            ])
        )
        return 0
    }

    static func untrust(_ options: PolicyOptions.Trust) throws(Refusal) -> Int32 {
        let trust = try ProjectTrust(stateFolder: options.stateDirectory, environment: CallerStrings.environment)
        let (path, wasTrusted) = try trust.revoke(options.place)
        Output.say(OwnWords.lines(["\(path) \(wasTrusted ? "is not approved any more." : "was not approved.")"]))
        return wasTrusted ? 0 : 1
    }

    static func list(_ options: PolicyOptions.Trust) throws(Refusal) -> Int32 {
        let environment = CallerStrings.environment
        let trust = try ProjectTrust(stateFolder: options.stateDirectory, environment: environment)
        let names = try PolicyCatalog(environment: environment).entries().map(\.name)
        let usual = LaunchOptions.reference(options.policy, environment)
        let rows = try trust.entries(over: usual, named: names).map { ($0.path ?? $0.record, $0.state) }
        return Output.show(TrustReport.list(rows), status: 0)
    }

    private static func entries(_ proposal: ProjectTrust.Proposal) -> [TrustReport.Entry] {
        let before = PolicyReport(policy: proposal.before, style: .plain)
        let after = PolicyReport(policy: proposal.after, style: .plain)
        let asked = PolicyReport(policy: proposal.asked, style: .plain)
        return proposal.said.map { origin in
            TrustReport.Entry(
                key: origin.key.path,
                line: origin.line,
                before: value(origin.key.path, proposal.before, before),
                after: value(origin.key.path, proposal.after, after),
                isWider: proposal.wider.contains(origin),
                asked: proposal.bounded.contains(origin) ? value(origin.key.path, proposal.asked, asked) : nil
            )
        }
    }

    /// Of variables what they are set to, too: that is what one approves.
    private static func value(_ key: String, _ policy: Policy, _ report: PolicyReport) -> String {
        if key == PolicyKey.set.path {
            let entries = policy.environment.set.map { "\(Shown.whole($0.name))=\(Shown.whole($0.value))" }
            return entries.isEmpty ? "none" : entries.joined(separator: " ")
        }
        return report.whole(key) ?? ""
    }

    /// Only a person at a terminal can be asked: whatever stands in a pipe was written before the question.
    private static func isAgreedByHand() -> Bool {
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else {
            Output.say(OwnWords.lines(["Not approved: there is no terminal to ask at. Look at it, and add --yes."]))
            return false
        }
        Output.say("codex-sandbox: Approve just this text, for every launch with this policy? [y/N] ")
        var answer: [UInt8] = []
        var byte: UInt8 = 0
        while answer.count < 16 {
            let count = read(STDIN_FILENO, &byte, 1)
            if count < 0 && errno == EINTR { continue }
            if count != 1 || byte == 0x0A { break }
            answer.append(byte)
        }
        if ["y", "Y", "yes"].contains(String(decoding: answer, as: UTF8.self)) { return true }
        Output.say(OwnWords.lines(["Not approved."]))
        return false
    }
}
