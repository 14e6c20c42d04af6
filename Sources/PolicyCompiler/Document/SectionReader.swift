import SandboxPlan

/// A value with the place it stands at and the key path it belongs to.
struct Located<Value> {
    var value: Value
    var position: SourcePosition
    var key: String
}

/// Reads one table of a policy key by key.
///
/// Every key that is asked for counts as known; `finish()` reports the others. A reader returns nil for an absent key
/// and for one that it has reported: the caller then goes on with the default, and the log stops the compilation.
struct SectionReader {
    /// Key path of the table; empty for the root.
    let path: String
    let members: [TOMLMember]
    let log: ProblemLog
    private var known: [String] = []

    init(path: String, members: [TOMLMember], log: ProblemLog) {
        self.path = path
        self.members = members
        self.log = log
    }

    func keyPath(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The member, whatever its type.
    mutating func member(_ key: String) -> TOMLMember? {
        known.append(key)
        let member = members.first { $0.key == key }
        if let member { log.found(keyPath(key), at: member.keyPosition) }
        return member
    }

    mutating func string(_ key: String) -> Located<String>? {
        guard let member = member(key) else { return nil }
        guard case .string(let text) = member.node.value else { return wrongType(member, wanted: "a string") }
        return located(text, member)
    }

    mutating func boolean(_ key: String) -> Located<Bool>? {
        guard let member = member(key) else { return nil }
        guard case .boolean(let value) = member.node.value else { return wrongType(member, wanted: "true or false") }
        return located(value, member)
    }

    /// An integer; `reason` is why the range is what it is, empty where it says itself.
    mutating func integer(_ key: String, in range: ClosedRange<UInt64>, because reason: String = "") -> UInt64? {
        guard let member = member(key) else { return nil }
        guard case .integer(let number) = member.node.value else { return wrongType(member, wanted: "an integer") }
        guard let value = UInt64(exactly: number), range.contains(value) else {
            let words = "\(range.lowerBound) to \(range.upperBound)" + (reason.isEmpty ? "" : " (\(reason))")
            return outOfRange(member, found: "\(number)", range: words)
        }
        return value
    }

    /// One of the given words.
    mutating func choice<Value>(_ key: String, _ choices: [(word: String, value: Value)]) -> Located<Value>? {
        guard let text = string(key) else { return nil }
        guard let value = word(text, among: choices) else { return nil }
        return Located(value: value, position: text.position, key: text.key)
    }

    /// Every element of an array of strings that is one; the others are reported.
    mutating func strings(_ key: String) -> [Located<String>]? {
        guard let member = member(key) else { return nil }
        guard case .array(let elements) = member.node.value else {
            return wrongType(member, wanted: "an array of strings")
        }
        var texts: [Located<String>] = []
        for (index, element) in elements.enumerated() {
            let place = "\(keyPath(key))[\(index)]"
            if case .string(let text) = element.value {
                texts.append(Located(value: text, position: element.position, key: place))
            } else {
                log.report(
                    at: element.position,
                    key: place,
                    what: element.value.typeName,
                    why: "every element must be a string",
                    remedy: "write it in quotes"
                )
            }
        }
        return texts
    }

    /// A table; nil when absent.
    mutating func section(_ key: String) -> SectionReader? {
        guard let member = member(key) else { return nil }
        guard case .table(let members) = member.node.value else {
            return wrongType(member, wanted: "a table, [\(keyPath(key))]")
        }
        return SectionReader(path: keyPath(key), members: members, log: log)
    }

    /// Reports every key that nobody asked for.
    func finish() {
        for member in members where !known.contains(member.key) {
            let near = nearest(to: member.key, among: known)
            log.report(
                at: member.keyPosition,
                key: keyPath(member.key),
                what: "unknown key",
                why: "nothing would act on it",
                remedy: near.map { "did you mean \($0)?" }
                    ?? "remove it; known here: \(known.sorted().joined(separator: ", "))"
            )
        }
    }

    /// The value of a word, or a report that names the words there are.
    func word<Value>(_ text: Located<String>, among choices: [(word: String, value: Value)]) -> Value? {
        if let choice = choices.first(where: { $0.word == text.value }) { return choice.value }
        let words = choices.map { "\"\($0.word)\"" }
        let near = nearest(to: text.value, among: choices.map(\.word))
        log.report(
            at: text.position,
            key: text.key,
            what: "\"\(text.value)\"",
            why: "it must be \(words.count == 1 ? words[0] : "one of " + words.joined(separator: ", "))",
            remedy: near.map { "did you mean \"\($0)\"?" } ?? "write one of these words"
        )
        return nil
    }

    func located<Value>(_ value: Value, _ member: TOMLMember) -> Located<Value> {
        Located(value: value, position: member.node.position, key: keyPath(member.key))
    }

    func wrongType<Value>(_ member: TOMLMember, wanted: String) -> Value? {
        log.report(
            at: member.node.position,
            key: keyPath(member.key),
            what: member.node.value.typeName,
            why: "it must be \(wanted)",
            remedy: "change the value"
        )
        return nil
    }

    func outOfRange<Value>(_ member: TOMLMember, found: String, range: String) -> Value? {
        log.report(
            at: member.node.position,
            key: keyPath(member.key),
            what: found,
            why: "it is out of range",
            remedy: "write a value from \(range)"
        )
        return nil
    }
}
