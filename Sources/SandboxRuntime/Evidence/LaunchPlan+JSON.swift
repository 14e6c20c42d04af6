public import SandboxPlan

extension LaunchPlan {
    /// How much of a generated file a text about the plan carries.
    public enum FileContents: Hashable, Sendable {
        /// Size and SHA-256: the record.
        case digest
        /// The contents too: `explain --json`.
        case full
    }

    /// The plan as `explain --json` shows it and the record keeps it; environment entries by name only.
    public func json(_ contents: FileContents) -> CanonicalJSON {
        CanonicalJSON(capacity: 32 << 10) { $0.plan(self, contents) }
    }
}

extension JSONWriter {
    fileprivate mutating func plan(_ plan: LaunchPlan, _ contents: LaunchPlan.FileContents) {
        object { json in
            json.member("confinement", string: plan.confinement.word)
            json.object("identity") { json in
                json.member("dropsFromRoot", bool: plan.identity.dropsFromRoot)
                json.member("gid", quantity: plan.identity.gid)
                json.member("keptGroups", array: plan.identity.keptGroups) { $0.quantity($1) }
                json.member("uid", quantity: plan.identity.uid)
            }
            json.object("landlock") { $0.landlock(plan.landlock) }
            json.member("layers", array: plan.layers) { json, layer in json.object { $0.planned(layer) } }
            json.object("limits") { $0.limitPlan(plan.limits) }
            json.member("namespaces", array: plan.namespaces) { $0.string($1.rawValue) }
            // What a launch of a whole sandbox never had.
            if let weaker = plan.weaker { json.member("notHeld", array: weaker.notHeld) { $0.notHeld($1) } }
            json.member("notes", texts: plan.notes)
            json.member("placeholders", bytes: plan.placeholders)
            json.object("policy") { json in
                json.member("digest", sha256: plan.policyDigest)
                json.member("name", bytes: OSString(plan.policyName))
            }
            json.object("process") { $0.process(plan.process) }
            if let weaker = plan.weaker, let profile = weaker.landlockOnly {
                json.object("profile") { json in
                    json.member("argumentRules", array: profile.argumentRules) { $0.argumentRule($1) }
                    json.member("name", string: weaker.name)
                    json.member("refusedCalls", array: profile.refusedCalls) { $0.quantity($1) }
                    json.member("scratch", bytes: profile.scratch)
                    json.member("unsupportedCalls", array: profile.unsupportedCalls) { $0.quantity($1) }
                }
            }
            json.member("steps", array: plan.steps) { json, step in json.object { $0.step(step, contents) } }
        }
    }

    private mutating func planned(_ planned: PlannedLayer) {
        member("layer", string: planned.layer.rawValue)
        member("mechanism", text: planned.mechanism)
        member("requested", bool: planned.requested)
        member("requirement", string: planned.requirement.word)
    }

    private mutating func landlock(_ plan: LandlockPlan) {
        member("abi", quantity: plan.abi)
        member("handledFilesystem", quantity: plan.handledFilesystem)
        member("handledNetwork", quantity: plan.handledNetwork)
        member("heldElsewhere", array: plan.heldElsewhere) { json, right in
            json.object { json in
                json.member("heldBy", text: right.heldBy)
                json.member("right", text: right.right)
                json.member("since", quantity: right.since)
            }
        }
        member("rules", array: plan.rules) { json, rule in
            json.object { json in
                json.member("access", quantity: rule.access)
                json.member("path", bytes: rule.path)
            }
        }
        member("scoped", quantity: plan.scoped)
    }

    private mutating func limitPlan(_ plan: LimitPlan) {
        if let cgroup = plan.cgroup { object("cgroup") { $0.cgroup(cgroup) } }
        member("graceMilliseconds", quantity: plan.grace.milliseconds)
        member("held", array: plan.held) { json, limit in
            json.object { json in
                json.member("limit", string: limit.name.rawValue)
                json.member("mechanism", string: limit.mechanism.rawValue)
                json.member("value", text: limit.value)
            }
        }
        member("memoryBytes", quantity: plan.memory.bytes)
        member("memoryWatchMilliseconds", quantity: plan.memoryWatchInterval.milliseconds)
        if let output = plan.output { member("outputBytes", quantity: output.bytes) }
        member("rlimits", array: plan.rlimits) { $0.rlimit($1) }
        if plan.scope != .none { object("scope") { $0.scope(plan.scope) } }
        member("setUpMilliseconds", quantity: plan.setUp.milliseconds)
        member("tasks", quantity: plan.tasks)
        member("wallMilliseconds", quantity: plan.wall.milliseconds)
        if !plan.withoutCgroup.isEmpty { member("withoutCgroup", text: plan.withoutCgroup) }
        if let workspace = plan.workspace { member("workspaceBytes", quantity: workspace.most.bytes) }
    }

    private mutating func scope(_ request: ScopeRequest) {
        member("state", string: request.word)
        switch request {
        case .none, .wanted: break
        case .entered(let unit): member("unit", text: unit)
        case .kept(let why), .failed(let why): member("why", text: why)
        }
    }

    private mutating func cgroup(_ plan: CgroupPlan) {
        member("movesProcesses", bool: plan.movesProcesses)
        member("settings", array: plan.settings) { json, setting in
            json.object { json in
                json.member("file", bytes: setting.file)
                json.member("value", text: setting.value)
            }
        }
        member("subtree", bytes: plan.subtree)
    }

    private mutating func process(_ process: ProcessPlan) {
        member("arguments", bytes: process.arguments)
        member("candidates", bytes: process.candidates)
        member("environmentNames", bytes: process.environment.lazy.map(\.name))
        if let narrowing = process.narrowing {
            object("narrowing") { json in
                json.member("argumentRules", array: narrowing.argumentRules) { $0.argumentRule($1) }
                json.member("folder", bytes: narrowing.folder)
                json.object("landlock") { $0.landlock(narrowing.landlock) }
                json.member("refusedCalls", array: narrowing.refusedCalls) { $0.quantity($1) }
            }
        }
        if process.reportsDenials { member("reportsDenials", bool: true) }
        if let terminal = process.terminal { member("terminal", quantity: UInt(terminal)) }
        member("workingDirectory", bytes: process.workingDirectory)
    }

    private mutating func argumentRule(_ rule: SeccompProgram.ArgumentRule) {
        object { json in
            json.member("argument", quantity: rule.argument)
            json.member("isPointer", bool: rule.isPointer)
            json.member("lets", bool: rule.lets)
            json.member("mask", quantity: rule.mask)
            json.member("number", quantity: rule.number)
            json.member("values", array: rule.values) { $0.quantity($1) }
        }
    }

    /// A promise that a weaker profile does not keep, with what it means.
    mutating func notHeld(_ entry: NotHeld) {
        object { json in
            json.member("meaning", text: entry.meaning)
            json.member("promise", string: entry.promise.rawValue)
        }
    }

    mutating func rlimit(_ limit: RLimit) {
        object { json in
            json.member("hard") { $0.rlimitValue(limit.hard) }
            json.member("resource", integer: limit.resource)
            json.member("soft") { $0.rlimitValue(limit.soft) }
        }
    }

    private mutating func rlimitValue(_ value: UInt64) {
        if value == UInt64.max { string("unlimited") } else { quantity(value) }
    }

    mutating func identity(_ identity: FileIdentity) {
        object { json in
            json.member("device", identifier: identity.device)
            json.member("gid", quantity: identity.gid)
            json.member("inode", identifier: identity.inode)
            json.member("uid", quantity: identity.uid)
        }
    }
}
