/// Where the database lies, as the setting `DATABASE_URL` says it in SQLAlchemy's form.
///
/// `sqlite:///./codex.db` and `sqlite:///codex.db` are relative to the working directory, `sqlite:////var/lib/x/codex.db` (four
/// slashes) is absolute. Nothing is decoded: a `%` is a `%`, as in SQLAlchemy. The one database built in is SQLite, in a file.
public struct DatabaseURL: Hashable, Sendable {
    /// The file's path, relative or absolute, as written.
    public let path: String

    /// In bytes; SQLite's own limit for a whole path is 512 with the endings that it adds, and is checked at opening.
    public static let lengthLimit = 4096

    /// - Throws: what is wrong with the text, and which forms there are.
    public init(_ text: String) throws(DatabaseURLError) {
        let scheme = "sqlite:///"
        guard !text.isEmpty else { throw DatabaseURLError("it is empty") }
        guard text.utf8.count <= DatabaseURL.lengthLimit else {
            throw DatabaseURLError("it has more than \(DatabaseURL.lengthLimit) bytes")
        }
        guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
            throw DatabaseURLError("it has a control character")
        }
        guard text.hasPrefix(scheme) else { throw DatabaseURLError(DatabaseURL.complaint(about: text)) }
        let path = String(text.dropFirst(scheme.count))
        guard !path.isEmpty else {
            throw DatabaseURLError(
                "it names no file, which means a database in memory, and that would be lost with the process"
            )
        }
        guard !path.hasPrefix(":memory:"), !path.hasPrefix("file:") else {
            throw DatabaseURLError(
                "a database in memory or a file: address is not taken: projects must outlive the process"
            )
        }
        guard !path.contains("?") else {
            throw DatabaseURLError("it has a query string, and there are no options to set by one")
        }
        let name = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        guard !name.isEmpty, name != ".", name != ".." else { throw DatabaseURLError("it names a folder, not a file") }
        self.path = path
    }

    /// RFC 3986, 3.1: with an `=` or a `?` it may be anything, a password too.
    private static func isOfScheme(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "+", "-", ".", "_": true
        default: false
        }
    }

    private static func complaint(about text: String) -> String {
        guard let colon = text.firstIndex(of: ":") else { return "it has no scheme" }
        // A user's password may stand in the address of another database: only the scheme is repeated, where it is one.
        let scheme = text[..<colon]
        guard scheme == "sqlite" else {
            let isWord = scheme.utf8.count <= 40 && scheme.unicodeScalars.allSatisfy(isOfScheme)
            return "only SQLite is built in" + (isWord ? ", not \(scheme)" : "")
        }
        guard text.hasPrefix("sqlite://") else { return "sqlite: is followed by three slashes and a path" }
        return text == "sqlite://"
            ? "it names no file, which means a database in memory, and that would be lost with the process"
            : "SQLite has no host: a path follows three slashes"
    }
}

/// Why a `DATABASE_URL` is not taken.
public struct DatabaseURLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong; repeats nothing of the address but its scheme.
    public var message: String
    public var remedy: String

    init(_ reason: String) {
        message = "DATABASE_URL: \(reason)"
        remedy = "write sqlite:///./codex.db (from the working directory) or sqlite:////folder/codex.db (absolute)"
    }

    public var description: String { "\(message); \(remedy)" }
}
