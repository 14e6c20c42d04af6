/// A file of settings beside the server: `NAME=value` lines as python-dotenv reads them.
///
/// Taken over: comments, `export`, blanks around `=`, values in single quotes (only `\\` and `\'` mean something) and double
/// quotes (`\n`, `\t` and the like), both over several lines, and comments behind values. Not taken over: `${NAME}` is text,
/// because a value that depends on the environment is not what stands in the file; a line without `=` is an error, because it
/// sets nothing; so is any line that python-dotenv would only warn of.
public struct DotEnvFile: Hashable, Sendable {
    public static let sizeLimit = 64 << 10
    public static let entryLimit = 1000

    /// Of a name that comes twice the last value holds.
    public private(set) var values: [String: String] = [:]

    public init(_ bytes: [UInt8]) throws(DotEnvError) {
        guard bytes.count <= Self.sizeLimit else {
            throw DotEnvError(line: 0, reason: .tooLarge(limit: Self.sizeLimit))
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw DotEnvError(line: 0, reason: .notUTF8) }
        var reader = DotEnvReader(text)
        while let (name, value) = try reader.next() {
            values[name] = value
            if values.count > Self.entryLimit {
                throw DotEnvError(line: reader.line, reason: .tooMany(limit: Self.entryLimit))
            }
        }
    }
}

/// Why a `.env` file cannot be read, and in which line; never what stands there, which may be a secret.
public struct DotEnvError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        case tooLarge(limit: Int)
        case tooMany(limit: Int)
        case notUTF8
        case noName
        case noEqualsSign
        case unclosedQuote
        case afterTheQuote
        case controlCharacter
    }

    /// From 1; 0 for the whole file.
    public var line: Int
    public var reason: Reason

    public var description: String { text(of: ".env") }

    /// With the file's name before it, and the line.
    public func text(of file: String) -> String {
        let words =
            switch reason {
            case .tooLarge(let limit): "longer than \(limit) bytes"
            case .tooMany(let limit): "more than \(limit) names"
            case .notUTF8: "not UTF-8"
            case .noName: "no name of letters, digits and _ before the ="
            case .noEqualsSign: "a name without ="
            case .unclosedQuote: "a quote that is not closed"
            case .afterTheQuote: "something other than a comment behind a quoted value"
            case .controlCharacter: "a control character; put it into double quotes with a backslash"
            }
        return line == 0 ? "\(file): \(words)" : "\(file), line \(line): \(words)"
    }
}
