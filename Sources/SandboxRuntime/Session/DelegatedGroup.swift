internal import SandboxKernel
internal import SandboxPlan

/// The part of the cgroup tree that a server's sandboxes will be leaves of, made ready before the first of them.
public enum DelegatedGroup {
    /// What was made ready.
    public struct Prepared: Sendable {
        /// For an operator: what will hold the limits, or why it is not the kernel; what to do about it comes last.
        public var words: String
        fileprivate var left: LeftGroups?

        /// Whether a server before this one, or launches beside it, have groups that are not removed yet.
        public var hasLeftOvers: Bool { left.map { !$0.paths.isEmpty } ?? false }

        /// Kills and removes what a killed server has left: as long as its jobs take to end, and for a time at most.
        ///
        /// - Returns: for an operator: each group that stays.
        public func removeLeftOvers() -> [String] {
            guard let left else { return [] }
            return left.remove(within: DelegatedGroup.patience).map {
                "\($0), the cgroup of a job that a killed server has left, is not removed: its processes were killed, and have not ended in "
                    + "\(DelegatedGroup.patience / 1000) s; the next launch tries again"
            }
        }
    }

    /// In milliseconds.
    private static let patience = 10_000

    /// Moves this process to a child group where that is needed, hands the controllers on, and begins to remove what a killed
    /// server has left.
    public static func prepare() -> Prepared {
        switch CgroupHost().offer() {
        case .none(let absence): return Prepared(words: words(absence))
        case .subtree(let subtree):
            do throws(SyscallError) {
                let left = try LimitGroup.prepare(subtree)
                let names = subtree.controllers.map(\.rawValue).joined(separator: ", ")
                let rest =
                    subtree.lacks.isEmpty
                    ? ""
                    : "; what else limits is held without: \(CgroupLack.words(subtree.lacks)); remedy: \(CgroupLack.remedy(subtree.lacks))"
                return Prepared(
                    words: "jobs get cgroups of their own below \(subtree.path), with \(names)\(rest)",
                    left: left
                )
            } catch {
                return Prepared(words: words(.failed(call: error.call, subject: error.subject, errno: error.errno)))
            }
        }
    }

    private static func words(_ absence: CgroupAbsence) -> String {
        "memory is watched and tasks are an rlimit, no cgroup holds them: \(absence.words); remedy: \(absence.remedy)"
    }
}
