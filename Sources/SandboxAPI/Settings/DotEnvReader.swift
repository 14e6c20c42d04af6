/// Goes through the text of a `.env` file entry by entry.
struct DotEnvReader {
    private let scalars: [Unicode.Scalar]
    private var position = 0
    /// The line that is read, from 1.
    private(set) var line = 1

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
        if scalars.first == "\u{FEFF}" { position = 1 }
    }

    private var here: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private var isLineEnd: Bool { here == nil || here == "\n" || here == "\r" }

    private func fault(_ reason: DotEnvError.Reason) -> DotEnvError { DotEnvError(line: line, reason: reason) }

    private mutating func skipBlanks() {
        while here == " " || here == "\t" { position += 1 }
    }

    private mutating func skipLine() {
        while !isLineEnd { position += 1 }
    }

    /// `\r\n` is one end of a line, and so is either alone.
    private mutating func skipLineEnd() {
        if here == "\r" {
            position += 1
            if here == "\n" { position += 1 }
            line += 1
        } else if here == "\n" {
            position += 1
            line += 1
        }
    }

    mutating func next() throws(DotEnvError) -> (name: String, value: String)? {
        while here != nil {
            skipBlanks()
            if here == "#" { skipLine() }
            if !isLineEnd { return try entry() }
            skipLineEnd()
        }
        return nil
    }

    private mutating func entry() throws(DotEnvError) -> (String, String) {
        var name = self.name()
        if name == "export", here == " " || here == "\t" {
            skipBlanks()
            name = self.name()
        }
        guard let first = name.unicodeScalars.first, !("0"..."9").contains(first) else { throw fault(.noName) }
        skipBlanks()
        guard here == "=" else { throw fault(isLineEnd || here == "#" ? .noEqualsSign : .noName) }
        position += 1
        skipBlanks()
        let value: String
        if let quote = here, quote == "'" || quote == "\"" {
            value = try quoted(by: quote)
            skipBlanks()
            if here == "#" { skipLine() }
            guard isLineEnd else { throw fault(.afterTheQuote) }
        } else {
            value = try plain()
        }
        skipLineEnd()
        return (name, value)
    }

    private mutating func name() -> String {
        let start = position
        while let scalar = here,
            ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                || scalar == "_"
        {
            position += 1
        }
        return text(scalars[start..<position])
    }

    /// Up to the end of the line, or a `#` with a blank before it.
    private mutating func plain() throws(DotEnvError) -> String {
        let start = position
        while !isLineEnd {
            if here == "#", position == start || scalars[position - 1] == " " || scalars[position - 1] == "\t" { break }
            if let scalar = here, scalar.value < 0x20 && scalar != "\t" || scalar.value == 0x7F {
                throw fault(.controlCharacter)
            }
            position += 1
        }
        let value = PythonText.trimmed(text(scalars[start..<position]))
        skipLine()
        return value
    }

    private mutating func quoted(by quote: Unicode.Scalar) throws(DotEnvError) -> String {
        let opening = line
        position += 1
        var value = String.UnicodeScalarView()
        while let scalar = here {
            position += 1
            if scalar == quote { return String(value) }
            if scalar == "\n" || scalar == "\r" && here != "\n" { line += 1 }
            guard scalar == "\\", let escaped = here else {
                guard scalar.value >= 0x20 || scalar == "\n" || scalar == "\r" || scalar == "\t" else {
                    throw fault(.controlCharacter)
                }
                value.append(scalar)
                continue
            }
            if let meant = meaning(of: escaped, in: quote) {
                position += 1
                value.append(meant)
            } else {
                value.append(scalar)
            }
        }
        throw DotEnvError(line: opening, reason: .unclosedQuote)
    }

    /// What stands for a character behind a backslash; nil where the backslash is one.
    private func meaning(of scalar: Unicode.Scalar, in quote: Unicode.Scalar) -> Unicode.Scalar? {
        if scalar == "\\" || scalar == "'" || scalar == "\"" && quote == "\"" { return scalar }
        guard quote == "\"" else { return nil }
        switch scalar {
        case "a": return "\u{7}"
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{B}"
        default: return nil
        }
    }

    private func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
