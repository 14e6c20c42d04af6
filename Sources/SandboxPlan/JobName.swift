/// What a person calls a running job (`run --name`).
public struct JobName: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    /// Letters, digits, `.`, `_` and `-` of ASCII, the first a letter or digit, 64 at most; nil for anything else.
    ///
    /// So it is one word in a shell, a file name that hides nothing, and no option.
    public init?(_ text: String) {
        guard let first = text.utf8.first, JobName.isLetterOrDigit(first), text.utf8.count <= 64,
            text.utf8.allSatisfy({ JobName.isLetterOrDigit($0) || [0x2D, 0x2E, 0x5F].contains($0) })
        else { return nil }
        self.text = text
    }

    public var description: String { text }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}
