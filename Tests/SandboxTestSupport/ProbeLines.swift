/// What `Tests/Programs/probe` said of a worker, by property.
public struct ProbeLines: Hashable, Sendable {
    public var values: [String: String]

    /// Nil if the probe did not come to its end.
    public init?(_ result: RunResult) {
        values = [:]
        for line in result.lines {
            guard let equals = line.firstIndex(of: "=") else { return nil }
            values[String(line[..<equals])] = String(line[line.index(after: equals)...])
        }
        guard values["probe.complete"] == "yes" else { return nil }
    }

    /// What differs from another, each as `property: there -> here`, but for the properties named.
    public func differences(from other: ProbeLines, but allowed: Set<String> = []) -> [String] {
        Set(values.keys).union(other.values.keys).subtracting(allowed).sorted().compactMap { name in
            let here = values[name] ?? "absent"
            let there = other.values[name] ?? "absent"
            return here == there ? nil : "\(name): \(there.prefix(300)) -> \(here.prefix(300))"
        }
    }

    /// What is weaker than in another: the differences but for those that take something away from the worker.
    ///
    /// An act that is refused with another error is still refused, a lower limit is a limit, a name that is missing in
    /// a listing gives nothing. Every other difference counts.
    public func weakenings(from other: ProbeLines) -> [String] {
        Set(values.keys).union(other.values.keys).sorted().compactMap { name in
            let here = values[name] ?? "absent"
            let there = other.values[name] ?? "absent"
            if here == there || isStricter(name, here, than: there) { return nil }
            return "\(name): \(there.prefix(300)) -> \(here.prefix(300))"
        }
    }

    private func isStricter(_ name: String, _ here: String, than there: String) -> Bool {
        if name.hasPrefix("act.") { return here.first == "E" || here == "SIGSYS" }
        if name.hasPrefix("limit.") {
            let pairs = zip(here.split(separator: " ").prefix(2), there.split(separator: " ").prefix(2))
            return pairs.allSatisfy { number($0) <= number($1) }
        }
        if name.hasPrefix("list.") {
            if here.hasPrefix("[E") { return true }
            return Set(entries(here)).isSubset(of: entries(there))
        }
        return false
    }

    private func number(_ word: Substring) -> UInt64 { UInt64(word) ?? .max }

    /// The names behind `COUNT: `.
    private func entries(_ value: String) -> [Substring] {
        guard let colon = value.firstIndex(of: ":") else { return [] }
        return value[value.index(after: colon)...].dropFirst().split(separator: ",")
    }
}

extension Scene {
    /// The probe with what it compares.
    public func probe() throws -> [String] {
        let namespaces = try run([program("probe"), "--print-namespaces"], keeper: Caller.workerOptions)
        guard let list = namespaces.lines.first else { throw TestFailure(namespaces.story) }
        return [program("probe"), "--host-namespaces", list, "--secret", secret]
    }
}
