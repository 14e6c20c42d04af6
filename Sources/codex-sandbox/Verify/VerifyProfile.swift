internal import SandboxCLI
internal import SandboxPlan
internal import SandboxRuntime

/// What the policy that `verify` was asked to try gives up by its own words.
struct VerifyProfile {
    /// What the plan of the launches says that a weaker profile does not hold.
    private(set) var notHeld: [NotHeld] = []

    /// Nothing is given up where there is no plan: each launch then says why.
    init(in workspace: OSString, _ options: VerifyOptions) {
        guard let run = options.launch(in: workspace) else { return }
        do throws(Refusal) {
            notHeld = try RunSession.preparation(LaunchOptions(run, closedStreams: 0)).plan.weaker?.notHeld ?? []
        } catch {}
    }

    /// Whether an act that was let through was let through by that.
    func givesUp(_ act: HostileAct) -> Bool {
        act.promise.map { promise in notHeld.contains { $0.promise == promise } } ?? false
    }
}
