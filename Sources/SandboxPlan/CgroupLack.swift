/// A controller that a subtree of the caller's has not, and where it was lost on the way down from the root (cgroups(7)).
public struct CgroupLack: Hashable, Sendable {
    public enum Cause: Hashable, Sendable {
        /// This group has it, and its `cgroup.subtree_control` does not name it. Its folder.
        case heldBack(by: OSString)
        /// The root of the caller's cgroup namespace has it not; what is above cannot be seen from inside.
        case outsideNamespace
        /// It is bound to a hierarchy of version 1.
        case versionOne
        /// The root of the whole tree has it not: built without, or switched off at boot.
        case notInKernel
        /// It is there without `memory.swap.max`: a job would swap instead of meeting its limit.
        case noSwapLimit
        /// The file that would tell cannot be read.
        case unknown(file: OSString, errno: Int32)
    }

    public var controller: CgroupController
    public var cause: Cause

    public init(_ controller: CgroupController, _ cause: Cause) {
        self.controller = controller
        self.cause = cause
    }

    /// What is missing where, as a part of a sentence.
    public static func words(_ lacks: [CgroupLack]) -> String {
        joined(lacks) { cause, names in
            switch cause {
            case .heldBack(let folder):
                "\(folder) has \(names), and does not hand on what it has (cgroup.subtree_control)"
            case .outsideNamespace: "the root of the caller's cgroup namespace was not given \(names)"
            case .versionOne: "on this host cgroup v1 has \(names)"
            case .notInKernel:
                "this kernel has no \(names) in cgroup v2 (built without, or switched off by cgroup_disable=)"
            case .noSwapLimit:
                "\(names) comes without memory.swap.max, and a job would swap instead of meeting its limit"
            case .unknown(let file, let errno):
                "why \(names) is missing cannot be seen in \(file) (\(ErrnoName.name(errno)))"
            }
        }
    }

    /// What mends it, as a part of a sentence.
    public static func remedy(_ lacks: [CgroupLack]) -> String {
        joined(lacks) { cause, names in
            switch cause {
            case .heldBack(let folder):
                "let \(folder) hand on \(names): Delegate=cpu memory pids in its systemd unit (of user@.service, too), or, where it is no "
                    + "unit, write the names with + into \(folder)/cgroup.subtree_control as its owner"
            case .outsideNamespace:
                "let what started this container hand on \(names) to it: Delegate=yes for its unit, or a write into the "
                    + "cgroup.subtree_control of the group around it"
            case .versionOne: CgroupAbsence.versionOne.remedy
            case .notInKernel: "take cgroup_disable= off the kernel's command line, or boot a kernel that has \(names)"
            case .noSwapLimit: "boot with swapaccount=1, or a kernel that counts swap"
            case .unknown(let file, _): "see that \(file) can be read"
            }
        }
    }

    /// Those of one cause together, in the order in which causes come.
    private static func joined(_ lacks: [CgroupLack], _ text: (Cause, String) -> String) -> String {
        var parts: [(cause: Cause, names: String)] = []
        for lack in lacks {
            if let index = parts.firstIndex(where: { $0.cause == lack.cause }) {
                parts[index].names += ", \(lack.controller.rawValue)"
            } else {
                parts.append((lack.cause, lack.controller.rawValue))
            }
        }
        var result = ""
        for part in parts { result += (result.isEmpty ? "" : "; ") + text(part.cause, part.names) }
        return result
    }
}
