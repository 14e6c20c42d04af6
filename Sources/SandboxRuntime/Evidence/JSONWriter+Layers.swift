internal import SandboxPlan

extension JSONWriter {
    /// Per layer: what was asked, what holds it, whether it is in force, and which observations say so.
    ///
    /// A layer of the plan without a report was never looked at: it has no `enforcement`, and no observer.
    mutating func layers(
        _ planned: [PlannedLayer],
        _ reports: [LayerReport],
        _ written: WrittenObservations = WrittenObservations()
    ) {
        var pairs = planned.map { plan in (plan: Optional(plan), report: reports.first { $0.layer == plan.layer }) }
        for report in reports where !planned.contains(where: { $0.layer == report.layer }) {
            pairs.append((plan: nil, report: report))
        }
        array(pairs) { json, pair in json.object { $0.layer(pair.plan, pair.report, written) } }
    }

    private mutating func layer(_ planned: PlannedLayer?, _ report: LayerReport?, _ written: WrittenObservations) {
        if let report { member("enforcement", string: report.enforcement.word) }
        member("installed", bool: JSONWriter.isInstalled(report))
        if let layer = planned?.layer ?? report?.layer { member("layer", string: layer.rawValue) }
        if let planned { member("mechanism", text: planned.mechanism) }
        member("missing", texts: report?.enforcement.missing ?? [])
        key("observations")
        elements { json in
            guard let report else { return }
            let first = written.first(of: report.layer)
            if let first { json.written(first.text) }
            for observation in report.observations.dropFirst(first?.count ?? 0) { json.observation(observation) }
        }
        member("requested", bool: planned?.requested ?? (report?.enforcement != .notRequested))
        if let requirement = planned?.requirement ?? report?.requirement {
            member("requirement", string: requirement.word)
        }
        member("verifiedBy", array: JSONWriter.verifiers(report?.observations ?? [])) { $0.string($1.rawValue) }
    }

    mutating func observation(_ observation: Observation) {
        object { json in
            let agrees = observation.agrees
            json.member("agrees", bool: agrees)
            // Where they agree it would be every second word of a record.
            if !agrees { json.member("expected", text: observation.expected) }
            json.member("field", text: observation.field)
            json.member("found", text: observation.found)
            json.member("observer", string: observation.observer.rawValue)
        }
    }

    /// In force, and not only accepted as missing: of a layer that the kernel does not have nothing is seen.
    private static func isInstalled(_ report: LayerReport?) -> Bool {
        guard let report else { return false }
        switch report.enforcement {
        case .degraded: return !report.observations.isEmpty
        case .enforced, .watched: return true
        case .notRequested, .failed: return false
        }
    }

    /// Who saw that the layer is as planned; nobody, if a single observation differs.
    private static func verifiers(_ observations: [Observation]) -> [Observer] {
        guard observations.allSatisfy(\.agrees) else { return [] }
        return [.outside, .refusedAct, .selfReported].filter { observer in
            observations.contains { $0.observer == observer }
        }
    }

    /// The word for each layer.
    mutating func enforcement(_ reports: [LayerReport]) {
        object { json in
            for report in JSONWriter.sorted(reports) {
                json.key(report.layer.rawValue)
                json.string(report.enforcement.word)
            }
        }
    }

    /// What is missing in each layer that is degraded.
    mutating func missing(_ reports: [LayerReport]) {
        object { json in
            for report in JSONWriter.sorted(reports) where !report.enforcement.missing.isEmpty {
                json.key(report.layer.rawValue)
                json.array(report.enforcement.missing) { $0.text($1) }
            }
        }
    }

    /// By name, each layer once: a second report of a layer is a mistake in this program.
    private static func sorted(_ reports: [LayerReport]) -> [LayerReport] {
        let sorted = reports.sorted { $0.layer.position < $1.layer.position }
        for index in sorted.indices.dropFirst() {
            precondition(sorted[index - 1].layer != sorted[index].layer, "two reports of one layer")
        }
        return sorted
    }
}

extension Layer {
    /// Where its name stands among all names, which a launch sorts by often.
    var position: Int {
        switch self {
        case .attributes: 0
        case .capabilities: 1
        case .cgroupNamespace: 2
        case .descriptors: 3
        case .environment: 4
        case .ipcNamespace: 5
        case .keyring: 6
        case .landlock: 7
        case .memory: 8
        case .mountNamespace: 9
        case .mounts: 10
        case .nestedNamespaces: 11
        case .networkNamespace: 12
        case .noNewPrivileges: 13
        case .pidNamespace: 14
        case .rlimits: 15
        case .seccomp: 16
        case .userNamespace: 17
        case .utsNamespace: 18
        case .wallClock: 19
        }
    }
}

extension Enforcement {
    var missing: [String] {
        switch self {
        case .degraded(let parts): parts
        case .enforced, .watched, .notRequested, .failed: []
        }
    }
}
