import SandboxPlan
import SandboxPolicy

/// `[environment]`: which variables of the caller reach the worker.
extension PolicyValidator {
    func environment(_ document: inout SectionReader) -> EnvironmentPolicy {
        var policy = PolicyDefaults.nothing(named: name).environment
        guard var section = document.section("environment") else { return policy }
        let words: [(word: String, value: EnvironmentPolicy.Inherit)] = [
            ("none", .none), ("core", .core), ("all", .all),
        ]
        if let inherit = section.choice("inherit", words) { policy.inherit = inherit.value }
        // A file can only add to what is kept back; a single name is let through by `pass`.
        policy.exclude = log.distinct(variables("exclude", &section, patterns: true))
        policy.pass = log.distinct(variables("pass", &section, patterns: false))
        policy.set = assignments("set", &section)
        section.finish()
        return policy
    }

    func variables(_ key: String, _ section: inout SectionReader, patterns: Bool) -> [Located<OSString>] {
        guard let texts = section.strings(key) else { return [] }
        log.bound(texts, to: PolicyRange.listLength, key: section.keyPath(key))
        var names: [Located<OSString>] = []
        for text in texts {
            if let why = defect(ofName: text.value, pattern: patterns) {
                log.report(
                    at: text.position,
                    key: text.key,
                    what: "\"\(text.value)\"",
                    why: why,
                    remedy: patterns ? "write a name, * for any run of characters" : "write each name in full"
                )
            } else {
                names.append(Located(value: OSString(text.value), position: text.position, key: text.key))
            }
        }
        return names
    }

    /// A table of names and values, sorted by name.
    func assignments(_ key: String, _ section: inout SectionReader) -> [EnvironmentEntry] {
        guard let table = section.section(key) else { return [] }
        var entries: [EnvironmentEntry] = []
        for member in table.members {
            if let why = defect(ofName: member.key, pattern: false) {
                log.report(
                    at: member.keyPosition,
                    key: table.keyPath(member.key),
                    what: "\"\(member.key)\" as a variable's name",
                    why: why,
                    remedy: "write another name"
                )
                continue
            }
            guard case .string(let value) = member.node.value else {
                let _: String? = table.wrongType(member, wanted: "a string")
                continue
            }
            if value.utf8.contains(0) {
                log.report(
                    at: member.node.position,
                    key: table.keyPath(member.key),
                    what: "a value with NUL",
                    why: "the kernel would end it there",
                    remedy: "remove the NUL"
                )
                continue
            }
            entries.append(EnvironmentEntry(name: OSString(member.key), value: OSString(value)))
        }
        if entries.count > PolicyRange.listLength.upperBound {
            log.report(
                at: table.members[0].keyPosition,
                key: table.path,
                what: "\(entries.count) entries",
                why: "there can be at most \(PolicyRange.listLength.upperBound)",
                remedy: "shorten the table"
            )
        }
        return entries.sorted { $0.name < $1.name }
    }

    /// Why a text cannot be a variable's name; nil if it can.
    private func defect(ofName name: String, pattern: Bool) -> String? {
        if name.isEmpty { return "a name cannot be empty" }
        if name.utf8.contains(0) { return "a name cannot hold NUL" }
        if name.utf8.contains(UInt8(ascii: "=")) { return "a name ends where = stands" }
        if !pattern && name.utf8.contains(UInt8(ascii: "*")) {
            return "a pattern could let through more than was meant"
        }
        return nil
    }
}
