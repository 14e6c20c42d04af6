/// Text of systemd's unit files (systemd.syntax(7), systemd.unit(5)).
enum UnitText {
    /// A value in which nothing is a specifier.
    static func plain(_ text: String) -> String { replaced(text) { $0 == "%" ? "%%" : nil } }

    /// A word of a command line (systemd.service(5), "Command lines"): in quotes, with no variable and no specifier in it.
    static func word(_ text: String) -> String {
        let inner = replaced(text) { scalar in
            switch scalar {
            case "%": "%%"
            case "$": "$$"
            case "\"": "\\\""
            case "\\": "\\\\"
            default: nil
            }
        }
        let isPlain = inner.unicodeScalars.allSatisfy {
            $0 != " " && $0 != "\"" && $0 != "\\" && $0 != "'" && $0 != ";"
        }
        return isPlain && !inner.isEmpty ? inner : "\"\(inner)\""
    }

    /// Whether it can stand in a unit at all: one line of text, at whose end nothing joins the next, and nothing is left out.
    static func isPossible(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } && text.utf8.last != UInt8(ascii: "\\")
            && text.utf8.last != UInt8(ascii: " ")
    }

    private static func replaced(_ text: String, _ change: (Unicode.Scalar) -> String?) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if let other = change(scalar) { result += other } else { result.unicodeScalars.append(scalar) }
        }
        return result
    }
}

/// A unit file, as lines that keep their order and their comments.
struct UnitFile {
    private(set) var lines: [String]

    init(_ text: String) { lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }

    var text: String { lines.joined(separator: "\n") }

    /// What a text says to systemd: without comments, empty lines and what describes the unit to people.
    static func directives(_ text: String) -> [String] {
        UnitFile(text).lines.filter { line in
            line.contains { !$0.isWhitespace } && !line.hasPrefix("#") && !line.hasPrefix(";")
                && !line.hasPrefix("Description=") && !line.hasPrefix("Documentation=")
        }
    }

    /// Puts other assignments in the place of all of that name; where there are none, nothing happens.
    mutating func set(_ name: String, _ values: [String]) {
        guard let first = lines.firstIndex(where: { $0.hasPrefix("\(name)=") }) else { return }
        lines.removeAll { $0.hasPrefix("\(name)=") }
        lines.insert(contentsOf: values.map { "\(name)=\($0)" }, at: first)
    }

    /// Adds lines behind the first assignment of that name.
    mutating func add(_ more: [String], behind name: String) {
        guard let index = lines.firstIndex(where: { $0.hasPrefix("\(name)=") }) else { return }
        lines.insert(contentsOf: more, at: index + 1)
    }

    /// The comment at its beginning, up to the first section.
    mutating func setHead(_ comment: [String]) {
        let end = lines.firstIndex { $0.hasPrefix("[") } ?? lines.endIndex
        lines.replaceSubrange(..<end, with: comment)
    }
}
