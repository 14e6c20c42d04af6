internal import SandboxKernel
internal import SandboxPlan

/// The part of the cgroup tree that a server's sandboxes will be leaves of, made ready before the first of them.
public enum DelegatedGroup {
    /// Moves this process to a child group where that is needed, hands the controllers on, and removes what a killed server
    /// has left.
    ///
    /// - Returns: for an operator: what will hold the limits, or why it is not the kernel; what to do about it comes last.
    public static func prepare() -> String {
        switch CgroupHost().offer() {
        case .none(let absence): return words(absence)
        case .subtree(let subtree):
            do throws(SyscallError) {
                try LimitGroup.prepare(subtree)
                let names = subtree.controllers.map(\.rawValue).joined(separator: ", ")
                let rest =
                    subtree.lacks.isEmpty
                    ? ""
                    : "; what else limits is held without: \(CgroupLack.words(subtree.lacks)); remedy: \(CgroupLack.remedy(subtree.lacks))"
                return "jobs get cgroups of their own below \(subtree.path), with \(names)\(rest)"
            } catch {
                return words(.failed(call: error.call, subject: error.subject, errno: error.errno))
            }
        }
    }

    private static func words(_ absence: CgroupAbsence) -> String {
        "memory is watched and tasks are an rlimit, no cgroup holds them: \(absence.words); remedy: \(absence.remedy)"
    }
}
