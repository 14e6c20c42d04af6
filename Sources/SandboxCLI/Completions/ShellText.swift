/// Text for a shell's script.
enum ShellText {
    /// With a backslash before each of these characters; regular expressions are not linked.
    static func escaped(_ text: String, _ characters: String) -> String {
        var result = ""
        for character in text {
            if characters.contains(character) { result.append("\\") }
            result.append(character)
        }
        return result
    }

    /// In single quotes; how one of them is written inside differs between shells.
    static func quoted(_ text: String, quote: String) -> String {
        var result = "'"
        for character in text { result += character == "'" ? quote : String(character) }
        return result + "'"
    }
}
