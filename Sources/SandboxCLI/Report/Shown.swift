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

    /// A word of a command that a person is to paste into a shell: it stays that one word, whatever is in it.
    ///
    /// What a terminal would obey stands as an escape in `$'…'`, which bash, ksh and zsh read, and by which no other shell names another
    /// absolute path.
    public static func shellWord(_ word: OSString) -> String {
        if !word.isEmpty, word.bytes.allSatisfy(isPlainInShell) { return word.description }
        // A backslash alone needs an escape for people, and none between single quotes.
        let isHarmless = word.bytes.split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: false)
            .allSatisfy { OSString($0).description.utf8.elementsEqual($0) }
        guard isHarmless else {
            return "$'" + parts(word.description).joined(separator: "\\'") + "'"
        }
        return "'" + parts(String(decoding: word.bytes, as: UTF8.self)).joined(separator: "'\\''") + "'"
    }

    private static func isPlainInShell(_ byte: UInt8) -> Bool {
        if 0x41...0x5A ~= byte & 0xDF || 0x30...0x39 ~= byte { return true }
        return "_./:=@%+,-".utf8.contains(byte)
    }

    /// What stands between its single quotes, by bytes: a mark that joins itself to a quote does not hide it.
    private static func parts(_ text: String) -> [String] {
        text.utf8.split(separator: UInt8(ascii: "'"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
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
