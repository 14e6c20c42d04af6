internal import SandboxPlan

/// Launches for people: what `evidence show` and `evidence list` print.
///
/// Every string of a record is taken for hostile and escaped.
public enum LaunchText {
    /// One launch with its outcome, its layers and every observation; lines end with a newline.
    ///
    /// - Parameters:
    ///   - launch: the launch.
    ///   - worker: SHA-256 of the worker's executable as it is now, if it is still the very file that was recorded.
    /// - Returns: the lines.
    public static func details(_ launch: RecordedLaunch, worker: [UInt8]? = nil) -> String {
        let opening = launch.opening["predicate"]
        let closing = launch.state == .refused ? opening : launch.outcome?["predicate"]
        var lines = ["launch \(launch.id): \(ending(launch))", ""]
        lines += facts(launch, opening, closing, worker).lines(indent: 2)
        if let refusal = closing?["outcome"]?["refusal"] { lines += ["", "refused"] + refused(refusal, closing) }
        lines += notHeld(opening?["plan"]?["notHeld"]?.array ?? [])
        lines += layers(opening?["layers"]?.array ?? [], final: closing)
        if let reports = opening?["childReport"]?.array, !reports.isEmpty {
            lines += ["", "reported by the processes inside"]
            var table = TextTable()
            for report in reports {
                table.add(ShownText.string(report["name"]), ShownText.string(report["value"]))
            }
            lines += table.lines(indent: 2)
        }
        if let events = closing?["protectionEvents"]?.array, !events.isEmpty {
            lines += ["", "changes of protected mounts"]
            lines += events.map { "  \(ShownText.string($0["at"]))  \(ShownText.string($0["what"]))" }
        }
        if let planted = closing?["planted"]?.array, !planted.isEmpty {
            lines += ["", "made by the job, and trusted by tools of the host"]
            lines += planted.map { "  \(ShownText.bytes($0))" }
        }
        if let removed = closing?["removed"]?.array, !removed.isEmpty {
            lines += ["", "of this removed again"]
            lines += removed.map { "  \(ShownText.bytes($0))" }
        }
        if let unseen = closing?["unseen"]?.array, !unseen.isEmpty {
            lines += ["", "closed by the job, or too large: what it made there is not known"]
            lines += unseen.map { "  \(ShownText.bytes($0))" }
        }
        if let denials = closing?["denials"] { lines += denied(denials) }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func denied(_ denials: JSONValue) -> [String] {
        let calls = denials["systemCalls"]?.array ?? []
        var table = TextTable()
        if !calls.isEmpty { table.add("system call", "group", "answer", "times", "policy key") }
        for call in calls {
            var name = call["name"].map { ShownText.string($0) } ?? "number \(ShownText.number(call["number"]))"
            if let argument = call["argument"] { name += "(\(ShownText.number(argument)))" }
            table.add(
                name,
                call["group"].map { ShownText.string($0) } ?? "in none",
                ShownText.string(call["errno"]?["name"]),
                ShownText.number(call["count"]),
                call["policyKey"]?.string.map { ShownText.escaped($0) } ?? "no policy allows it"
            )
        }
        var lines =
            ["", calls.isEmpty ? "no system call was refused" : "system calls refused"] + table.lines(indent: 2)
        if let others = denials["otherCalls"], ShownText.number(others) != "0" {
            lines.append("  and \(ShownText.number(others)) calls of more kinds than are told apart")
        }
        return lines + ["", "paths refused: \(ShownText.string(denials["paths"]))"]
    }

    /// A line for each launch, the newest first.
    public static func list(_ launches: [RecordedLaunch]) -> String {
        var table = TextTable()
        for launch in launches {
            let predicate = launch.opening["predicate"]
            table.add(
                launch.id.description,
                ShownText.string(predicate?["times"]?["started"]),
                ending(launch),
                shortened(ShownText.command(predicate?["arguments"]), to: 60)
            )
        }
        return table.lines(indent: 0).map { $0 + "\n" }.joined()
    }

    /// A sentence for each problem, without a newline.
    public static func problems(_ problems: [RecordProblem]) -> [String] {
        problems.map { "at byte \($0.offset): \(ShownText.escaped($0.what))" }
    }

    /// The state in few words: `exited 1`, `signalled SIGSEGV`, `interrupted`.
    private static func ending(_ launch: RecordedLaunch) -> String {
        let word = ShownText.escaped(launch.word)
        let outcome = launch.outcome?["predicate"]?["outcome"]
        if let code = outcome?["exitCode"] { return "\(word) \(ShownText.number(code))" }
        if let signal = outcome?["signal"] { return "\(word) \(ShownText.string(signal["name"]))" }
        if let errno = outcome?["errno"] { return "\(word) \(ShownText.string(errno["name"]))" }
        return word
    }

    private static func facts(
        _ launch: RecordedLaunch,
        _ opening: JSONValue?,
        _ closing: JSONValue?,
        _ worker: [UInt8]?
    ) -> TextTable {
        var table = TextTable()
        table.add("command", ShownText.command(opening?["arguments"]))
        if let name = opening?["name"] { table.add("name", ShownText.string(name)) }
        for subject in launch.opening["subject"]?.array ?? [] {
            table.add(
                ShownText.string(subject["annotations"]?["role"]),
                ShownText.bytes(subject["annotations"]?["path"])
            )
            table.add("", digests(subject["digest"]))
            if let worker, subject["annotations"]?["role"]?.string == "worker", subject["digest"]?["sha256"] == nil {
                table.add("", "sha256:\(Hexadecimal.text(worker)) now, and the file is still the same")
            }
            if let head = subject["annotations"]?["gitHead"] { table.add("", "git HEAD \(ShownText.bytes(head))") }
        }
        if let policy = opening?["policy"] {
            table.add("policy", ShownText.string(policy["name"]))
            table.add("", digests(policy["digest"]))
        }
        if let host = opening?["host"] {
            let kernel = ShownText.string(host["kernelRelease"])
            table.add("host", "Linux \(kernel), Landlock ABI \(ShownText.number(host["landlockAbi"]))")
        }
        if let held = opening?["plan"]?["limits"]?["held"]?.array, !held.isEmpty {
            let words = held.map { limit in
                "\(ShownText.string(limit["limit"])) \(ShownText.string(limit["value"])) "
                    + "(\(ShownText.string(limit["mechanism"])))"
            }
            table.add("limits", words.joined(separator: ", "))
            if let scope = opening?["plan"]?["limits"]?["scope"] { table.add("scope", scoped(scope)) }
        }
        if let identity = opening?["plan"]?["identity"] {
            table.add("ran as", "uid \(ShownText.number(identity["uid"])), gid \(ShownText.number(identity["gid"]))")
        }
        table.add("tool", "codex-sandbox \(ShownText.string(opening?["toolVersion"]))")
        table.add("started", ShownText.string(opening?["times"]?["started"]))
        addEnd(launch, closing, to: &table)
        return table
    }

    private static func addEnd(_ launch: RecordedLaunch, _ closing: JSONValue?, to table: inout TextTable) {
        guard let closing else {
            let why =
                launch.state == .running
                ? "not yet: its supervisor is running"
                : "never recorded: the supervisor was killed, or the machine went down"
            table.add("outcome", why)
            return
        }
        if let released = closing["times"]?["released"] { table.add("released", ShownText.string(released)) }
        table.add("ended", ShownText.string(closing["times"]?["ended"]))
        if let wall = closing["times"]?["wallMicroseconds"] { table.add("wall time", "\(ShownText.number(wall)) us") }
        if let usage = closing["usage"] {
            table.add(
                "CPU time",
                "user \(ShownText.number(usage["userMicroseconds"])) us, "
                    + "system \(ShownText.number(usage["systemMicroseconds"])) us"
            )
            table.add(
                "memory",
                "largest process \(ShownText.number(usage["maximumResidentBytes"])) B, "
                    + "largest watched sum \(ShownText.number(usage["memoryPeakWatchedBytes"])) B"
            )
            if let cgroup = usage["cgroup"] { table.add("cgroup", counted(cgroup)) }
        }
        if let signal = closing["signal"] { table.add("ended by", ShownText.string(signal["name"])) }
        for (key, label) in [
            ("what", "lost"), ("message", "because"), ("usedBytes", "used B"), ("limitBytes", "limit B"),
        ]
        where closing["outcome"]?[key] != nil {
            table.add(label, ShownText.number(closing["outcome"]?[key]))
        }
        if let limits = closing["limitsReached"]?.array, !limits.isEmpty {
            table.add("limits reached", limits.map { ShownText.string($0) }.joined(separator: ", "))
        }
        table.add("execve", execve(closing))
        table.add("exit status", ShownText.number(closing["exitStatus"]))
    }

    /// What became of a scope of the user's service manager.
    private static func scoped(_ scope: JSONValue) -> String {
        guard let more = scope["unit"] ?? scope["why"] else { return ShownText.string(scope["state"]) }
        return "\(ShownText.string(scope["state"])): \(ShownText.string(more))"
    }

    /// What a cgroup counted; what the kernel did not count is not said.
    private static func counted(_ cgroup: JSONValue) -> String {
        let parts: [(key: String, words: String)] = [
            ("memoryPeakBytes", "B of memory at most"), ("processorMicroseconds", "us of CPU time"),
            ("tasksPeak", "tasks at most"), ("tasksRefused", "tasks refused"), ("memoryKills", "killed for memory"),
        ]
        return parts.filter { cgroup[$0.key] != nil }.map { "\(ShownText.number(cgroup[$0.key])) \($0.words)" }
            .joined(separator: ", ")
    }

    private static func execve(_ closing: JSONValue) -> String {
        let how = ShownText.string(closing["execveKnownBy"])
        switch closing["execveReached"] {
        case .bool(true): return "reached (\(how))"
        case .bool(false): return "not reached (\(how))"
        default: return "not known whether reached (\(how))"
        }
    }

    private static func digests(_ set: JSONValue?) -> String {
        guard let members = set?.object?.members, !members.isEmpty else { return "?" }
        return members.map { "\(ShownText.escaped($0.key)):\(ShownText.string($0.value))" }.joined(separator: " ")
    }

    private static func refused(_ refusal: JSONValue, _ closing: JSONValue?) -> [String] {
        var table = TextTable()
        table.add("stage", ShownText.string(refusal["stage"]))
        for (key, label) in [("step", "step"), ("subject", "on"), ("layer", "layer")] {
            if let text = refusal[key]?.string, !text.isEmpty { table.add(label, ShownText.escaped(text)) }
        }
        if let name = refusal["errno"]?["name"] { table.add("errno", ShownText.string(name)) }
        // In the record the newline between a policy's problems is escaped, as every control character is.
        let lines = refusal["message"]?.string?.pieces(between: "\\n  ") ?? ["?"]
        for (index, line) in lines.enumerated() { table.add(index == 0 ? "why" : "", ShownText.escaped(line)) }
        table.add("remedy", ShownText.string(refusal["remedy"]))
        return table.lines(indent: 2)
    }

    /// What the weaker profile of the launch did not hold.
    private static func notHeld(_ entries: [JSONValue]) -> [String] {
        guard !entries.isEmpty else { return [] }
        var table = TextTable()
        for entry in entries { table.add(ShownText.string(entry["promise"]), ShownText.string(entry["meaning"])) }
        return ["", "NOT HELD by the weaker profile of this launch"] + table.lines(indent: 2)
    }

    private static func layers(_ layers: [JSONValue], final closing: JSONValue?) -> [String] {
        guard !layers.isEmpty else { return [] }
        var table = TextTable()
        table.add("layer", "asked", "state", "verified by", "held by")
        for layer in layers {
            let name = layer["layer"]?.string ?? "?"
            let asked = layer["requested"]?.bool == false ? "not requested" : ShownText.string(layer["requirement"])
            let state = closing?["enforcement"]?[name] ?? layer["enforcement"]
            let verifiers = (layer["verifiedBy"]?.array ?? []).map { ShownText.string($0) }
            table.add(
                ShownText.escaped(name),
                asked,
                state.map { ShownText.string($0) } ?? "not looked at",
                verifiers.isEmpty ? "nobody" : verifiers.joined(separator: ", "),
                layer["mechanism"].map { ShownText.string($0) } ?? ""
            )
        }
        return [""] + table.lines(indent: 0) + missing(layers, closing) + observations(layers)
    }

    private static func missing(_ layers: [JSONValue], _ closing: JSONValue?) -> [String] {
        var lines: [String] = []
        for layer in layers {
            let name = layer["layer"]?.string ?? "?"
            let parts = closing?["missing"]?[name]?.array ?? layer["missing"]?.array ?? []
            lines += parts.map { "  \(ShownText.escaped(name)): \(ShownText.string($0))" }
        }
        return lines.isEmpty ? [] : ["", "missing in a layer"] + lines
    }

    private static func observations(_ layers: [JSONValue]) -> [String] {
        var table = TextTable()
        table.add("layer", "what was compared", "observer", "expected", "found")
        for layer in layers {
            for observation in layer["observations"]?.array ?? [] {
                let found = ShownText.string(observation["found"])
                // What is no text was not found, whatever the record says of it.
                let agrees = observation["agrees"]?.bool == true && observation["found"]?.string != nil
                // Left out where the same was found.
                let expected = observation["expected"].map { ShownText.string($0) } ?? (agrees ? found : "not said")
                table.add(
                    ShownText.string(layer["layer"]),
                    ShownText.string(observation["field"]),
                    ShownText.string(observation["observer"]),
                    expected,
                    agrees && expected == found ? "the same" : "\(found)   <-- DIFFERS"
                )
            }
        }
        let lines = table.lines(indent: 0)
        return lines.count > 1 ? [""] + lines : []
    }

    private static func shortened(_ text: String, to length: Int) -> String {
        text.count > length ? text.prefix(length - 1) + "…" : text
    }
}
