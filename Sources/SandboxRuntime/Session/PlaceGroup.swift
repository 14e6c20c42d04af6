internal import SandboxKernel
internal import SandboxPlan

/// The cgroup of a launch, made before its plan: only what is there can be planned with.
struct PlaceGroup {
    let group: LimitGroup?
    let offer: CgroupOffer

    /// Where there is no subtree for it, or it cannot be made, the offer says why, and the policy decides.
    ///
    /// - Parameters:
    ///   - id: the launch.
    ///   - weight: of the leaf beside the callers, where it is not to be as theirs.
    /// - Returns: the group, and what a plan can count on.
    static func made(for id: LaunchID, weight: UInt64? = nil) -> PlaceGroup {
        let found = CgroupHost().offer()
        guard case .subtree(var subtree) = found else { return PlaceGroup(group: nil, offer: found) }
        do throws(SyscallError) {
            let group = try LimitGroup.make(in: subtree, for: id.description)
            // What the subtree has and the leaf has not: of a memory controller without a limit for swap.
            for lost in subtree.controllers where !group.controllers.contains(lost) {
                subtree.lacks.append(CgroupLack(lost, lost == .memory ? .noSwapLimit : .heldBack(by: subtree.path)))
            }
            subtree.controllers = group.controllers
            subtree.leafWeight = weight
            subtree.weighsIO = group.weighsIO
            guard !subtree.controllers.isEmpty else {
                group.end()
                return PlaceGroup(group: nil, offer: .none(.noControllers(subtree.lacks)))
            }
            return PlaceGroup(group: group, offer: .subtree(subtree))
        } catch {
            let absence = CgroupAbsence.failed(call: error.call, subject: error.subject, errno: error.errno)
            return PlaceGroup(group: nil, offer: .none(absence))
        }
    }
}
