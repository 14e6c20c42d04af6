internal import SandboxCLI
internal import SandboxPlan
internal import SandboxRuntime

/// The weaker profile that `verify` was asked to try, if it was.
enum VerifyProfile {
    /// What the plan of the launches says that it does not hold; none where there is no plan: each launch then says why.
    static func notHeld(in workspace: OSString, _ options: VerifyOptions) -> [NotHeld] {
        guard let run = options.launch(in: workspace) else { return [] }
        do throws(Refusal) {
            let preparation = try RunSession.preparation(LaunchOptions(run, closedStreams: 0))
            return preparation.plan.weaker?.notHeld ?? []
        } catch {
            return []
        }
    }
}
