internal import CShims
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// The acts that pid 1, or the keeper of a job without namespaces, tries once its Landlock domain stands: the kernel's answer is the
/// proof that it does.
enum LandlockActs {
    /// - Parameters:
    ///   - landlock: which of them this kernel's ABI can refuse.
    ///   - values: of its report, in the order of `cs_place_value`.
    ///   - findings: gets one observation for each.
    static func compare(_ landlock: LandlockPlan, _ values: [Int64], _ findings: inout Findings) {
        var acts: [(String, Int64, cs_place_value)] = [
            ("open for reading", Errno.access, CS_PLACE_LANDLOCK_READ),
            ("open for writing", Errno.access, CS_PLACE_LANDLOCK_WRITE),
            ("execute", Errno.access, CS_PLACE_LANDLOCK_EXECUTE),
            ("make a folder", Errno.access, CS_PLACE_LANDLOCK_MAKE),
            ("remove a folder", Errno.access, CS_PLACE_LANDLOCK_REMOVE),
        ]
        if landlock.handledFilesystem & LandlockRight.truncate != 0 {
            acts.append(("truncate", Errno.access, CS_PLACE_LANDLOCK_TRUNCATE))
        }
        if landlock.scoped & LandlockRight.scopeAbstractUnixSocket != 0 {
            let act = "connect to an abstract socket outside the domain"
            acts.append((act, Errno.notPermitted, CS_PLACE_LANDLOCK_ABSTRACT))
        }
        for (act, error, index) in acts {
            findings.compare(.landlock, act, expected: error, found: values[Int(index.rawValue)], .refusedAct)
        }
    }
}
