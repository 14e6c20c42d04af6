internal import SandboxPlan

/// What `status` prints.
///
/// Every string of a record is taken for hostile and escaped.
public enum StatusText {
    /// A table with a head, whose lines end with a newline; empty without a job.
    public static func table(_ jobs: [RunningJob]) -> String {
        if jobs.isEmpty { return "" }
        var table = TextTable()
        table.add(
            "NAME",
            "PID",
            "SINCE",
            "WORKSPACE",
            "POLICY",
            "NETWORK",
            "MEMORY",
            "TASKS",
            "CPU",
            "LAYERS",
            "COMMAND"
        )
        for job in jobs {
            let start = job.opening?["predicate"]
            table.add(
                job.name.map(ShownText.escaped) ?? "-",
                String(job.supervisor),
                start.map { toSeconds(ShownText.string($0["times"]?["started"])) } ?? "starting",
                job.opening.map(workspace) ?? "-",
                start.map { ShownText.string($0["policy"]?["name"]) } ?? "-",
                start.map { ShownText.string($0["policy"]?["network"]?["mode"]) } ?? "-",
                amount(job.usage?.memory?.description, of: limit("memory", start)),
                amount(job.usage?.tasks.map { String($0) }, of: limit("tasks", start)),
                job.usage?.processorMicroseconds.map(seconds) ?? "-",
                start.map { layers($0) } ?? "-",
                start.map { shortened(ShownText.command($0["arguments"]), to: 60) } ?? "-"
            )
        }
        return table.lines(indent: 0).map { $0 + "\n" }.joined()
    }

    /// One object with all of them.
    public static func json(_ jobs: [RunningJob]) -> CanonicalJSON {
        let values = jobs.map { JSONValue.object(object($0)) }
        return JSONValue.object(JSONObject([("jobs", .array(values)), ("schemaVersion", .integer(1))])).canonical
    }

    private static func object(_ job: RunningJob) -> JSONObject {
        let start = job.opening?["predicate"]
        var members: [(String, JSONValue)] = []
        if let start {
            members.append(("command", start["arguments"] ?? .null))
            members.append(("launchId", start["launchId"] ?? .null))
            members.append(("layers", layerStates(start)))
            members.append(("limits", start["plan"]?["limits"]?["held"] ?? .array([])))
            members.append(("name", start["name"] ?? .null))
            members.append(("network", start["policy"]?["network"]?["mode"] ?? .null))
            members.append(("policy", start["policy"]?["name"] ?? .null))
            members.append(("since", start["times"]?["started"] ?? .null))
            members.append(("usage", usage(job.usage)))
            members.append(("workspace", subject(job.opening) ?? .null))
        }
        members.append(("pid", .integer(Int64(job.supervisor))))
        members.append(("records", .string(job.records.description)))
        members.append(("state", .string(job.state.rawValue)))
        return JSONObject(members)
    }

    private static func usage(_ usage: JobUsage?) -> JSONValue {
        guard let usage else { return .null }
        return .object(
            JSONObject([
                ("measuredBy", .string(usage.measure.rawValue)),
                ("memoryBytes", usage.memory.map { .quantity($0.bytes) } ?? .null),
                ("processorMicroseconds", usage.processorMicroseconds.map { .quantity($0) } ?? .null),
                ("tasks", usage.tasks.map { .quantity($0) } ?? .null),
            ])
        )
    }

    private static func subject(_ opening: JSONValue?) -> JSONValue? {
        opening?["subject"]?.array?.first { $0["annotations"]?["role"]?.string == "workspace" }?["annotations"]?["path"]
    }

    private static func workspace(_ opening: JSONValue) -> String { ShownText.bytes(subject(opening)) }

    private static func layerStates(_ start: JSONValue) -> JSONValue {
        var members: [(String, JSONValue)] = []
        for layer in start["layers"]?.array ?? [] {
            guard let name = layer["layer"]?.string, !members.contains(where: { $0.0 == name }) else { continue }
            members.append((name, layer["enforcement"] ?? .null))
        }
        return .object(JSONObject(members))
    }

    /// How many are in force, and each that is not only that.
    private static func layers(_ start: JSONValue) -> String {
        var enforced = 0
        var others: [String] = []
        for layer in start["layers"]?.array ?? [] {
            let state = layer["enforcement"]?.string
            if state == "enforced" { enforced += 1 } else { others.append(other(layer, state)) }
        }
        return (["\(enforced) enforced"] + others).joined(separator: ", ")
    }

    private static func other(_ layer: JSONValue, _ state: String?) -> String {
        "\(ShownText.string(layer["layer"])) \(ShownText.escaped(state ?? "not looked at"))"
    }

    private static func limit(_ name: String, _ start: JSONValue?) -> String? {
        let limits = start?["plan"]?["limits"]
        switch name {
        case "memory": return limits?["memoryBytes"]?.integer.map { ByteCount(bytes: UInt64(max(0, $0))).description }
        default: return limits?[name]?.integer.map { String($0) }
        }
    }

    private static func amount(_ used: String?, of limit: String?) -> String {
        guard let limit, limit != "0", limit != "0 B" else { return used ?? "-" }
        return "\(used ?? "?") of \(limit)"
    }

    /// `0.31 s`.
    private static func seconds(_ microseconds: UInt64) -> String {
        let hundredths = microseconds / 10_000
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) s"
    }

    /// `2026-01-02T03:04:05Z`, of a time with microseconds.
    private static func toSeconds(_ time: String) -> String { time.prefix { $0 != "." && $0 != "Z" } + "Z" }

    private static func shortened(_ text: String, to length: Int) -> String {
        text.count > length ? text.prefix(length - 1) + "…" : text
    }
}
