internal import SandboxPlan
internal import SandboxPolicy

/// Refused calls with the policy under which they were: what a record says of them, and what a person is told.
public struct ReportedDenials: Sendable {
    let denials: Denials
    /// Groups that the policy leaves out (`seccomp.without`).
    let without: [String]

    init(_ denials: Denials, policy: Policy) {
        self.denials = denials
        without = policy.seccomp.without
    }

    /// So many kinds are said; the record has more.
    private static let said = 20

    /// A sentence for each kind of call, the most frequent first, and what is not known.
    public var sentences: [String] {
        var lines = denials.calls.sorted { $0.count > $1.count }.prefix(ReportedDenials.said).map { sentence($0) }
        let rest = denials.calls.count - lines.count
        if rest > 0 { lines.append("denied: \(rest) further kinds of calls; the record has them") }
        if denials.others > 0 { lines.append("denied: \(denials.others) calls of more kinds than are told apart") }
        if lines.isEmpty { lines.append("no system call was denied") }
        lines.append("denied paths: not observable on this host")
        return lines
    }

    private func sentence(_ call: DeniedCall) -> String {
        let times = call.count == 1 ? "once" : "\(call.count) times"
        let argument = call.argument.map { "(\($0))" } ?? ""
        let what = "denied: \(SystemCalls.name(call.number))\(argument), \(ErrnoName.name(call.errno)), \(times): "
        guard let entry = SystemCalls.entry(call.number) else {
            return what + "no policy allows it, this version of codex-sandbox does not know the call"
        }
        switch SystemCalls.key(of: call, without: without) {
        case let key?: return what + "allowed if \(key.path) does not name \"\(entry.leftOut(of: without))\""
        case nil: return what + "no policy allows it (\(entry.group))"
        }
    }
}

extension SystemCalls.Entry {
    /// The group in `without` that keeps the call from the job.
    fileprivate func leftOut(of without: [String]) -> String {
        without.contains(group) ? group : "internet-sockets"
    }
}

extension JSONWriter {
    /// What was refused, where that was counted.
    mutating func denials(_ reported: ReportedDenials) {
        object { json in
            json.member("otherCalls", quantity: reported.denials.others)
            // Landlock tells nobody but the audit log (Linux 6.15), which only root may read.
            json.member("paths", string: "not observable")
            json.member("systemCalls", array: reported.denials.calls) { json, call in
                json.object { $0.denied(call, reported.without) }
            }
        }
    }

    private mutating func denied(_ call: DeniedCall, _ without: [String]) {
        let entry = SystemCalls.entry(call.number)
        if let argument = call.argument { member("argument", quantity: argument) }
        member("count", quantity: call.count)
        member("errno") { $0.errno(call.errno) }
        if let entry { member("group", text: entry.group) }
        if let entry { member("name", text: entry.name) }
        member("number", integer: call.number)
        if let key = SystemCalls.key(of: call, without: without) {
            member("policyKey", text: key.path)
        } else {
            member("policyKey") { $0.null() }
        }
    }
}
