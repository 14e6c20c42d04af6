internal import SandboxPlan

extension DoctorReport {
    /// One JSON object and a newline: `works`, `trial` and `checks`.
    public var json: String {
        let checks = report.checks.map { check in
            object([
                ("name", string(check.name)), ("state", string(check.state.rawValue)),
                ("detail", string(check.detail)), ("remedy", string(check.remedy)),
            ])
        }
        return object([
            ("version", "1"), ("works", report.works ? "true" : "false"), ("trial", trialObject),
            ("checks", "[" + checks.joined(separator: ",") + "]"),
        ]) + "\n"
    }

    private var trialObject: String {
        var members = [("outcome", string(report.trial.word))]
        switch report.trial {
        case .exited(let code):
            members.append(("code", String(code)))
        case .signalled(let signal), .interrupted(let signal, _):
            members.append(("signal", String(signal)))
        case .timedOut:
            break
        case .memoryExceeded(let used, let limit), .diskExceeded(let used, let limit),
            .outputExceeded(let used, let limit):
            members += [("usedBytes", String(used.bytes)), ("limitBytes", String(limit.bytes))]
        case .protectionLost(let what, _):
            members.append(("message", string(what)))
        case .refused(let refusal):
            members += [
                ("stage", string(refusal.stage)), ("step", string(refusal.step)),
                ("subject", string(refusal.subject)), ("errno", string(errno(refusal.errno))),
                ("message", string(refusal.message)), ("remedy", string(refusal.remedy)),
                ("layer", refusal.layer.map { string($0.rawValue) } ?? "null"),
            ]
        case .notExecuted(let number, let message):
            members += [("errno", string(errno(number))), ("message", string(message))]
        }
        return object(members)
    }

    /// Empty when no call failed.
    private func errno(_ number: Int32) -> String {
        number == 0 ? "" : ErrnoName.name(number)
    }

    private func object(_ members: [(String, String)]) -> String {
        "{" + members.map { string($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
    }

    /// A JSON string of printable characters: controls are escaped as for a terminal, then as JSON wants it.
    private func string(_ text: String) -> String {
        var quoted = "\""
        for scalar in Shown.text(text).unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}
