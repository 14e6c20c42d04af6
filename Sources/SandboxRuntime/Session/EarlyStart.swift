internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// pid 1 in its namespaces, begun before the policy is known and used if the policy wants the same ones.
///
/// Nothing is decided by it: pid 1 stands at gate A, and a launch that is refused meanwhile takes it away again.
struct EarlyStart: ~Copyable {
    private var begun: Launch?
    private var namespaces: [Layer] = []

    /// Begins with the namespaces of a policy without the host's network.
    ///
    /// What the kernel does not allow is left for `launch` to find: there the refusal has its record.
    mutating func begin(_ options: LaunchOptions, _ workspace: OSString) {
        guard !options.fullAccess, options.overrides.network != .host else { return }
        namespaces = LaunchPlanner.namespaces(network: .off(loopback: true))
        do throws(Refusal) {
            begun = try EarlyStart.start(options, workspace, namespaces)
        } catch {
            begun = nil
        }
    }

    /// The launch with the policy's own namespaces.
    ///
    /// - Throws: `Refusal` when the kernel does not allow it, or the workspace's owner is nobody a job can run as.
    mutating func launch(
        _ policy: Policy,
        _ options: LaunchOptions,
        _ workspace: OSString
    ) throws(Refusal) -> Launch {
        let wanted = LaunchPlanner.namespaces(network: policy.network)
        if wanted == namespaces, let launch = begun.take() { return launch }
        giveUp()
        return try EarlyStart.start(options, workspace, wanted)
    }

    /// Ends what was begun.
    mutating func giveUp() {
        begun = nil
    }

    /// pid 1, as whom the workspace's owner and the caller make it.
    private static func start(
        _ options: LaunchOptions,
        _ workspace: OSString,
        _ namespaces: [Layer]
    ) throws(Refusal) -> Launch {
        var pins = PinnedPaths()
        pins.pin(workspace)
        let identity = try LaunchPlanner.identity(
            uid: geteuid(),
            gid: getegid(),
            groups: HostProbe.groups(),
            workspace: workspace,
            entry: pins.entries[workspace] ?? .absent,
            allowRootOwned: options.allowRootOwnedWorkspace
        )
        return try Launch(identity: identity, namespaces: namespaces)
    }
}
