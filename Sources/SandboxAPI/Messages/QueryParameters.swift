internal import SandboxRuntime

/// The parameters behind the `?` of a target, `name=value` with `&` between them.
struct QueryParameters {
    private var values: [(name: [UInt8], value: [UInt8])] = []

    /// Beyond so many the rest is not looked at: no route has more than a few.
    static let limit = 64

    init(_ query: [UInt8]?) {
        guard let query else { return }
        for piece in query.split(separator: UInt8(ascii: "&")).prefix(Self.limit) {
            let name = piece.prefix { $0 != UInt8(ascii: "=") }
            let value = piece.dropFirst(name.count + 1)
            values.append(
                (PercentCoding.decoded(name, plusIsSpace: true), PercentCoding.decoded(value, plusIsSpace: true))
            )
        }
    }

    /// The last value of that name, as the original takes it; bytes that are not UTF-8 become U+FFFD.
    subscript(name: String) -> String? {
        values.last { $0.name.elementsEqual(name.utf8) }.map { String(decoding: $0.value, as: UTF8.self) }
    }

    /// A whole number in the range; `fallback` where there is none.
    func integer(_ name: String, in range: ClosedRange<Int>, or fallback: Int) throws(ValidationFailure) -> Int {
        guard let text = self[name] else { return fallback }
        guard let number = Int(PythonText.trimmed(text)) else {
            throw ValidationFailure([.notAnInteger(["query", .name(name)], input: text)])
        }
        if number < range.lowerBound {
            throw ValidationFailure([.tooSmall(["query", .name(name)], input: text, least: range.lowerBound)])
        }
        if number > range.upperBound {
            throw ValidationFailure([.tooLarge(["query", .name(name)], input: text, most: range.upperBound)])
        }
        return number
    }

    /// One of `words`; the first where there is none.
    func word(_ name: String, of words: [String]) throws(ValidationFailure) -> String {
        guard let text = self[name] else { return words[0] }
        guard words.contains(text) else {
            throw ValidationFailure([.notOneOf(words, ["query", .name(name)], input: .string(text))])
        }
        return text
    }

    /// One of `words`; nil where there is none.
    func choice(_ name: String, of words: [String]) throws(ValidationFailure) -> String? {
        guard self[name] != nil else { return nil }
        return try word(name, of: words)
    }

    /// The id of a page's last entry.
    func id(_ name: String) throws(ValidationFailure) -> String? {
        guard let text = self[name] else { return nil }
        guard Identifier.isPlausible(text.utf8) else {
            throw ValidationFailure([
                .wrongValue(["query", .name(name)], input: .string(text), "\(name) must be an id")
            ])
        }
        return text
    }
}

/// Ids of projects and jobs.
enum Identifier {
    /// Whether a thing could have that id: a UUID, or what an adopted database has in its place.
    static func isPlausible(_ bytes: some Collection<UInt8>) -> Bool {
        (1...64).contains(bytes.count)
            && bytes.allSatisfy { PercentCoding.isUnreserved($0) && $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "~") }
    }
}
