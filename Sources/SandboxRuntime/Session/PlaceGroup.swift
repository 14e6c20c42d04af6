internal import SandboxKernel
internal import SandboxPlan

/// The cgroup of a launch, made before its plan: only what is there can be planned with.
struct PlaceGroup {
    let group: LimitGroup?
    let offer: CgroupOffer

    /// Where there is no subtree for it, or it cannot be made, the offer says why, and the policy decides.
    static func made(for id: LaunchID) -> PlaceGroup {
        let found = CgroupHost().offer()
        guard case .subtree(var subtree) = found else { return PlaceGroup(group: nil, offer: found) }
        do throws(SyscallError) {
            let group = try LimitGroup.make(in: subtree, for: id.description)
            subtree.controllers = group.controllers
            guard !subtree.controllers.isEmpty else {
                group.end()
                return PlaceGroup(group: nil, offer: .none(.noControllers))
            }
            return PlaceGroup(group: group, offer: .subtree(subtree))
        } catch {
            let absence = CgroupAbsence.failed(call: error.call, subject: error.subject, errno: error.errno)
            return PlaceGroup(group: nil, offer: .none(absence))
        }
    }
}
