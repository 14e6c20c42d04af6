public import SandboxPlan

/// Strings of others, made fit for a terminal: whatever a file name or argument holds, it is shown, not obeyed.
public enum Shown {
    /// Longest word that a message shows; the rest is cut, marked by `…`.
    static let longestWord = 200

    /// One argument or path, escaped and cut, in quotes when it is empty or has blanks in it.
    public static func word(_ word: OSString) -> String {
        quoted(cut(word.description))
    }

    /// A path or argument in full, escaped, in quotes when it is empty or has blanks in it.
    public static func whole(_ word: OSString) -> String {
        quoted(word.description)
    }

    /// A command line, each word in full, with blanks between.
    public static func command(_ words: [OSString]) -> String {
        words.map { Shown.whole($0) }.joined(separator: " ")
    }

    /// Text that may have a path in it: control bytes are escaped, what is escaped already stays as it is.
    public static func text(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 >= 0x7F }) else { return text }
        return text.utf8.split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: false)
            .map { OSString($0).description }
            .joined(separator: "\\")
    }

    /// Columns that the text takes, one for each character; the colours of `Style` take none.
    static func width(_ text: String) -> Int {
        var count = 0
        var isColour = false
        for scalar in text.unicodeScalars {
            if scalar == "\u{1B}" { isColour = true }
            if !isColour { count += 1 }
            if scalar == "m" { isColour = false }
        }
        return count
    }

    private static func cut(_ text: String) -> String {
        guard width(text) > longestWord else { return text }
        var cut = ""
        cut.unicodeScalars += text.unicodeScalars.prefix(longestWord)
        return cut + "…"
    }

    private static func quoted(_ text: String) -> String {
        let needsQuotes = text.isEmpty || text.utf8.contains { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\"") }
        guard needsQuotes else { return text }
        return "\"\(text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\""))\""
    }
}
