public import SandboxPlan

/// A plan for people to read: what `explain` prints.
public struct ExplainReport {
    public var plan: LaunchPlan
    /// By name; a name that is not in it is shown without origin and value.
    public var origins: [OSString: EnvironmentOrigin]
    public var style: Style
    /// Why the command would not be executed, by what the host has now; nil when there is nothing to say.
    public var finding: NotExecuted?
    /// The policy's values with their origins; nil leaves the section out.
    public var policy: PolicyReport?

    public init(
        plan: LaunchPlan,
        origins: [OSString: EnvironmentOrigin],
        style: Style,
        finding: NotExecuted? = nil,
        policy: PolicyReport? = nil
    ) {
        self.plan = plan
        self.policy = policy
        self.origins = origins
        self.style = style
        self.finding = finding
    }

    /// The whole text, ending in a newline.
    public var text: String {
        var lines = head
        lines += section("NOT HELD by this weaker profile", notHeld)
        lines += section("LAYERS", layers)
        lines += section("STEPS", steps)
        lines += section("PLACEHOLDERS, empty things on the host while something runs here", placeholders)
        lines += section("LANDLOCK", landlock)
        lines += section("LIMITS", limits)
        lines += section("ENVIRONMENT", environment)
        lines += section("POLICY, every value and where it comes from", policy?.summary ?? [])
        lines += section("NOTES", plan.notes.map { "  - \(Shown.text($0))" })
        return lines.joined(separator: "\n") + "\n"
    }

    private func section(_ title: String, _ lines: [String]) -> [String] {
        guard !lines.isEmpty else { return [] }
        return ["", style.heading(title)] + lines
    }

    private var head: [String] {
        var table = TextTable(columns: 2)
        table.add(["policy", Shown.text(plan.policyName)])
        table.add(["", "sha256 \(ExplainReport.hexadecimal(plan.policyDigest))"])
        table.add(["command", Shown.command(plan.process.arguments)])
        for (index, candidate) in plan.process.candidates.enumerated() {
            table.add([index == 0 ? "executes" : "or else", Shown.whole(candidate)])
        }
        // Its first line: the others are of an execve(2) that there has not been.
        if let words = finding?.lines.first { table.add(["", style.bad(words)]) }
        table.add(["starts in", Shown.whole(plan.process.workingDirectory)])
        for (index, line) in identity.enumerated() { table.add([index == 0 ? "identity" : "", line]) }
        table.add(["namespaces", namespaces])
        if plan.confinement == .none {
            table.add(["sandbox", style.bad("NONE: the command can do everything that you can")])
        }
        if let weaker = plan.weaker {
            table.add([
                "sandbox",
                style.bad(
                    "WEAKER (\(weaker.name)): "
                        + (weaker.landlockOnly != nil ? "no namespaces" : "/proc is the container's")
                        + "; what is not held is listed below"
                ),
            ])
        }
        return table.lines(indent: 0)
    }

    /// Each promise that is not kept, with what that means.
    private var notHeld: [String] {
        guard let weaker = plan.weaker else { return [] }
        var table = TextTable(columns: 2)
        for entry in weaker.notHeld { table.add([style.bad(entry.promise.rawValue), Shown.text(entry.meaning)]) }
        return table.lines(indent: 2)
    }

    private var identity: [String] {
        var lines = ["uid \(plan.identity.uid), gid \(plan.identity.gid), inside and outside"]
        if plan.identity.dropsFromRoot { lines.append("root is given up before the user namespace is made") }
        if !plan.identity.keptGroups.isEmpty {
            let groups = plan.identity.keptGroups.map(String.init).joined(separator: ", ")
            lines.append("keeps the groups \(groups): only root can drop them")
        }
        return lines
    }

    private var namespaces: String {
        guard !plan.namespaces.isEmpty else { return "none of its own" }
        return plan.namespaces.map { layer in
            let name = layer.rawValue
            return name.hasSuffix("-namespace") ? String(name.dropLast("-namespace".count)) : name
        }.joined(separator: ", ")
    }

    private var layers: [String] {
        var table = TextTable(columns: 3)
        for layer in plan.layers {
            table.add([layer.layer.rawValue, level(of: layer), Shown.text(layer.mechanism)])
        }
        return table.lines(indent: 2)
    }

    private func level(of layer: PlannedLayer) -> String {
        guard layer.requested else { return style.bad("not requested") }
        switch layer.requirement {
        case .required: return "required"
        case .bestEffort: return style.doubtful("best-effort")
        }
    }

    private var steps: [String] {
        var table = TextTable(columns: 4)
        let digits = String(plan.steps.count).utf8.count
        for (index, step) in plan.steps.enumerated() {
            let words = StepWords(step)
            let number = String(index + 1)
            let padding = String(repeating: " ", count: digits - number.utf8.count)
            table.add([padding + number, words.operation, words.object, words.detail])
        }
        return table.lines(indent: 2)
    }

    private var placeholders: [String] {
        plan.placeholders.map { "  \(Shown.whole($0))" }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
