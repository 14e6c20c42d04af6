internal import CShims
internal import Glibc

/// Whether a terminal of the caller's takes bytes for UTF-8.
enum TerminalEncoding {
    /// Whether the terminal says so (IUTF8), or the caller's locale.
    ///
    /// Where neither does, it may be one in which some bytes of such characters are controls.
    static func isUTF8(_ terminal: Int32) -> Bool {
        if cs_terminal_is_utf8(terminal) == 1 { return true }
        return isUTF8(
            locale: [getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")].map { $0.map { String(cString: $0) } }
        )
    }

    /// Whether a locale has this encoding.
    ///
    /// - Parameter locale: LC_ALL, LC_CTYPE and LANG; the first that is not empty holds (locale(7)).
    /// - Returns: whether it has.
    static func isUTF8(locale: [String?]) -> Bool {
        guard let name = locale.compactMap({ $0 }).first(where: { !$0.isEmpty }) else { return false }
        let codeset = name.utf8.drop { $0 != UInt8(ascii: ".") }.dropFirst().prefix { $0 != UInt8(ascii: "@") }
        let letters = codeset.filter { $0 != UInt8(ascii: "-") }.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
        return letters.elementsEqual("utf8".utf8)
    }
}
