internal import SandboxPlan
internal import SandboxPolicy

/// What a job made where tools obey it.
extension RunSession {
    /// Names that the job may have made, where they were missing before.
    static func missing(_ preparation: borrowing Preparation) -> [MissingNames] {
        MissingNames.all(
            preparation.policy,
            preparation.request,
            preparation.host,
            covered: preparation.plan.placeholders
        )
    }

    /// Names and files that the job made where tools obey them, into `end`; and in words.
    static func tell(_ planted: Planted, _ plants: Plants, _ end: inout LaunchEnd) -> [String] {
        end.planted = planted.made
        end.removed = planted.removed + plants.removed.filter { !planted.removed.contains($0) }
        end.unseen = planted.unseen
        end.planted += (plants.removed + plants.remaining).filter { !end.planted.contains($0) }
        return planted.words + plants.words
    }
}
