/// The words of an instruction, for looking at.
struct Instruction {
    private let text: String
    /// In lower case, as far as it is ASCII.
    private let bytes: [UInt8]

    init(_ text: String) {
        self.text = text
        bytes = text.utf8.map { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") ? $0 | 0x20 : $0 }
    }

    /// Whether it consists of white space only.
    var isBlank: Bool { text.unicodeScalars.allSatisfy(\.properties.isWhitespace) }

    /// Whether `piece`, in lower case, stands anywhere in it.
    func says(_ piece: String) -> Bool { !bytes.places(of: Array(piece.utf8)).isEmpty }

    func says(anyOf pieces: [String]) -> Bool { pieces.contains(where: says) }

    /// Whether one of the words stands in it by itself: `use` is not in `because`.
    func hasWord(_ words: [String]) -> Bool {
        words.contains { word in
            let word = Array(word.utf8)
            return bytes.places(of: word).contains { place in
                !isLetter(at: place - 1) && !isLetter(at: place + word.count)
            }
        }
    }

    /// The number behind the word `first`; nil if there is none from 1 to 1000.
    var firstCount: Int? {
        for place in bytes.places(of: Array("first ".utf8)) where !isLetter(at: place - 1) {
            let digits = bytes[(place + 6)...].prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
            let isWhole = !isLetter(at: digits.endIndex)
            if isWhole, let count = Int(String(decoding: digits, as: UTF8.self)), (1...1000).contains(count) {
                return count
            }
        }
        return nil
    }

    private func isLetter(at index: Int) -> Bool {
        guard bytes.indices.contains(index) else { return false }
        switch bytes[index] {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            return true
        default: return false
        }
    }

    /// The instruction as one line that can stand in a comment: at most 200 characters, none of which ends a line, is
    /// invisible or turns the direction of writing.
    var commentText: String {
        let limit = 200
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let shown: Unicode.Scalar = Instruction.isPlain(scalar) ? scalar : " "
            // One blank for many, none at the start.
            if shown == " " && (scalars.last ?? " ") == " " { continue }
            guard scalars.count < limit else { return String(scalars) + "…" }
            scalars.append(shown)
        }
        if scalars.last == " " { scalars.removeLast() }
        return String(scalars)
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: false
        default: true
        }
    }
}
