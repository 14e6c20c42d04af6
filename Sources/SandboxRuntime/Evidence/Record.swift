/// One line of a file of records, as far as it has to be understood to put launches together.
struct Record {
    enum Kind: Hashable {
        case start
        case outcome
        case refused
    }

    var kind: Kind
    var id: LaunchID
    var statement: JSONValue
    /// SHA-256 of the line, for a start record: what its outcome names.
    var digest: [UInt8]

    /// The record in `line`.
    ///
    /// - Throws: `Problem` saying what the line is instead.
    init(reading line: [UInt8]) throws(Problem) {
        let statement: JSONValue
        do {
            statement = try JSONReader.value(in: line)
        } catch {
            throw Problem(what: "damaged line: \(error)")
        }
        try self.init(statement, line: line)
    }

    /// The record that a line was read as.
    init(_ statement: JSONValue, line: [UInt8]) throws(Problem) {
        guard statement["_type"]?.string == LaunchStatement.statementType else {
            throw Problem(what: "damaged line: not an in-toto Statement v1")
        }
        switch statement["predicateType"]?.string {
        case LaunchStatement.startType: kind = .start
        case LaunchStatement.outcomeType: kind = .outcome
        case LaunchStatement.refusedType: kind = .refused
        case let other: throw Problem(what: "a record of a kind that this version does not know: \(other ?? "none")")
        }
        guard let id = statement["predicate"]?["launchId"]?.string.flatMap(LaunchID.init(parsing:)) else {
            throw Problem(what: "damaged line: no launch id")
        }
        self.id = id
        self.statement = statement
        digest = kind == .start ? SHA256.digest(line) : []
    }

    struct Problem: Error {
        var what: String
    }

    /// The digest of the start record that an outcome names.
    var namedStart: String? { statement["subject"]?.array?.first?["digest"]?["sha256"]?.string }
}
