internal import SandboxPlan

/// Turns the plan's layers and what was observed into reports.
enum LayerReports {
    static func list(_ plan: LaunchPlan, _ observations: [Observation]) -> [LayerReport] {
        var reports = plan.layers.map { planned in
            LayerReport(
                layer: planned.layer,
                requirement: planned.requirement,
                enforcement: .notRequested,
                observations: []
            )
        }
        // Neighbours are mostly of one layer.
        var last = 0
        for observation in observations {
            if !(last < reports.count && reports[last].layer == observation.layer) {
                guard let index = reports.firstIndex(where: { $0.layer == observation.layer }) else { continue }
                last = index
            }
            reports[last].observations.append(observation)
        }
        for (index, planned) in plan.layers.enumerated() {
            reports[index].enforcement = enforcement(planned, plan, reports[index].observations)
        }
        return reports
    }

    private static func enforcement(
        _ planned: PlannedLayer,
        _ plan: LaunchPlan,
        _ seen: [Observation]
    ) -> Enforcement {
        guard planned.requested else { return .notRequested }
        guard seen.allSatisfy(\.agrees) else { return .failed }
        switch planned.layer {
        case .memory: return plan.limits.memoryIsHeld ? .enforced : .watched
        case .landlock:
            let missing = plan.landlock.heldElsewhere.filter { $0.since > plan.landlock.abi }.map(\.right)
            return missing.isEmpty ? .enforced : .degraded(missing: missing)
        default: return .enforced
        }
    }
}
