public import SandboxPlan

/// What `doctor` prints.
public struct DoctorReport {
    public var report: HostReport
    public var style: Style

    public init(report: HostReport, style: Style) {
        self.report = report
        self.style = style
    }

    /// 0 only if the default policy was enforced here.
    public var exitStatus: Int32 { report.works ? 0 : 1 }

    /// The text; its first line answers the question.
    public var text: String {
        let answer = report.works ? style.good("yes") : style.bad("no")
        var lines = ["run works here: \(answer)"]
        if !report.works { lines += trial }
        lines += ["", style.heading("LAYERS")]
        var table = TextTable(columns: 3)
        for check in report.checks {
            table.add([check.name, word(check.state), Shown.text(check.detail)])
        }
        lines += table.lines(indent: 2)
        lines += remedies
        return lines.joined(separator: "\n") + "\n"
    }

    /// Why the launch of `/bin/true` did not come to a good end.
    private var trial: [String] {
        if case .exited(let code) = report.trial {
            return ["  /bin/true under the default policy ended with status \(code)."]
        }
        return OwnWords.outcome(report.trial, limits: nil, quiet: false)
            .split(separator: "\n")
            .map { "  " + $0.dropFirst(OwnWords.prefix.count) }
    }

    /// Each remedy once, with the layers that it mends.
    private var remedies: [String] {
        var order: [String] = []
        var layers: [String: [String]] = [:]
        for check in report.checks where !check.remedy.isEmpty {
            if layers[check.remedy] == nil { order.append(check.remedy) }
            layers[check.remedy, default: []].append(check.name)
        }
        guard !order.isEmpty else { return [] }
        var lines = ["", style.heading("REMEDIES")]
        for remedy in order {
            lines.append("  \(Shown.text(layers[remedy, default: []].joined(separator: ", "))):")
            lines.append("    \(Shown.text(remedy))")
        }
        return lines
    }

    private func word(_ state: HostCheck.State) -> String {
        switch state {
        case .available: style.good("ok")
        case .partial: style.doubtful("partly")
        case .missing: style.bad("missing")
        case .untested: style.doubtful("untested")
        case .information: "info"
        }
    }
}
