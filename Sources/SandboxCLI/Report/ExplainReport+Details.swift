internal import SandboxPlan

extension ExplainReport {
    /// The Landlock domain: what it handles, each rule, and who holds what this kernel's ABI lacks.
    var landlock: [String] {
        let domain = plan.landlock
        guard plan.confinement != .none else { return [] }
        guard domain.abi > 0 else { return ["  none: this kernel has no Landlock"] + heldElsewhere }
        let words = LandlockWords(handled: domain.handledFilesystem)
        var facts = TextTable(columns: 2)
        facts.add(["ABI", String(domain.abi)])
        facts.add(["handles", LandlockWords.names(domain.handledFilesystem).joined(separator: " ")])
        let network = LandlockWords.network(domain.handledNetwork)
        if !network.isEmpty { facts.add(["network", network.joined(separator: " ")]) }
        let scopes = LandlockWords.scopes(domain.scoped)
        if !scopes.isEmpty { facts.add(["scoped", scopes.joined(separator: " ")]) }
        for (index, line) in words.legend.enumerated() { facts.add([index == 0 ? "words" : "", line]) }
        var rules = TextTable(columns: 2)
        for rule in domain.rules { rules.add([Shown.whole(rule.path), words.words(rule.access)]) }
        return facts.lines(indent: 2) + ["  rules:"] + rules.lines(indent: 4) + heldElsewhere
    }

    private var heldElsewhere: [String] {
        guard !plan.landlock.heldElsewhere.isEmpty else { return [] }
        var table = TextTable(columns: 3)
        for right in plan.landlock.heldElsewhere {
            table.add([Shown.text(right.right), "since ABI \(right.since)", Shown.text(right.heldBy)])
        }
        return ["  held elsewhere:"] + table.lines(indent: 4)
    }

    /// Every limit with what holds it, taken from the layer it belongs to.
    var limits: [String] {
        let limits = plan.limits
        var table = TextTable(columns: 3)
        guard plan.confinement != .none else {
            table.add(["wall clock", limits.wall.description, "watched by codex-sandbox"])
            table.add(["grace from TERM to KILL", limits.grace.description, ""])
            return table.lines(indent: 2)
        }
        table.add(["memory", limits.memory.description, mechanism(of: .memory)])
        table.add(["processes and threads", String(limits.tasks), mechanism(of: .rlimits)])
        table.add(["wall clock", limits.wall.description, mechanism(of: .wallClock)])
        table.add(["grace from TERM to KILL", limits.grace.description, ""])
        table.add(["set-up", limits.setUp.description, ""])
        if !limits.memoryIsHeld {
            table.add(["memory is looked at every", limits.memoryWatchInterval.description, ""])
        }
        for limit in limits.rlimits {
            table.add([RLimitWords.name(limit.resource), RLimitWords.value(limit), ""])
        }
        return table.lines(indent: 2) + held + cgroup
    }

    /// Each limit of the policy and what holds it, in the words of the record.
    private var held: [String] {
        guard !plan.limits.held.isEmpty else { return [] }
        var table = TextTable(columns: 3)
        for limit in plan.limits.held {
            table.add(["limits.\(limit.name.rawValue)", limit.value, limit.mechanism.rawValue])
        }
        return ["  held by:"] + table.lines(indent: 4)
    }

    /// What is written into the files of the place's cgroup.
    private var cgroup: [String] {
        guard let cgroup = plan.limits.cgroup else {
            let why = plan.limits.withoutCgroup
            return why.isEmpty ? [] : ["  no cgroup: \(Shown.text(why))"] + scope
        }
        var table = TextTable(columns: 2)
        for setting in cgroup.settings { table.add([Shown.whole(setting.file), setting.value]) }
        return ["  cgroup, a leaf in \(Shown.whole(cgroup.subtree)):"] + table.lines(indent: 4)
    }

    private var scope: [String] {
        let words = plan.limits.scope.words
        return words.isEmpty ? [] : ["  \(Shown.text(words))"]
    }

    private func mechanism(of layer: Layer) -> String {
        guard let planned = plan.layers.first(where: { $0.layer == layer }) else { return "not in the plan" }
        return planned.requested ? Shown.text(planned.mechanism) : "not requested"
    }

    /// Names with their origin; values only where they are our own.
    var environment: [String] {
        var table = TextTable(columns: 3)
        for entry in plan.process.environment.sorted(by: { $0.name < $1.name }) {
            let origin = origins[entry.name]
            let value = origin?.showsValue == true ? Shown.whole(entry.value) : ""
            table.add([Shown.whole(entry.name), origin?.rawValue ?? "", value])
        }
        return table.lines(indent: 2)
    }
}
