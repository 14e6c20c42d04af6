internal import CSQLite

/// What a statement is given for a `?`.
enum SQLiteValue {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])

    static func optional(_ text: String?) -> SQLiteValue { text.map { .text($0) } ?? .null }
    static func time(_ time: StoredTime) -> SQLiteValue { .text(time.text) }
    static func optional(_ time: StoredTime?) -> SQLiteValue { time.map { .text($0.text) } ?? .null }

    /// Bytes are bound with their length, so that a NUL is a character like any other; SQLite copies them.
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        switch self {
        case .null: return sqlite3_bind_null(statement, index)
        case .integer(let number): return sqlite3_bind_int64(statement, index, number)
        case .text(var text):
            return text.withUTF8 { bytes in
                // A null pointer would bind NULL, and that is what an empty text may have.
                guard let start = bytes.baseAddress, !bytes.isEmpty else {
                    return sqlite3_bind_text(statement, index, "", 0, csq_transient())
                }
                return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                    sqlite3_bind_text64(
                        statement,
                        index,
                        $0,
                        UInt64(bytes.count),
                        csq_transient(),
                        UInt8(SQLITE_UTF8)
                    )
                }
            }
        case .blob(let bytes):
            guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(statement, index, 0) }
            return bytes.withUnsafeBytes {
                sqlite3_bind_blob64(statement, index, $0.baseAddress, UInt64($0.count), csq_transient())
            }
        }
    }
}

/// The row a statement stands on; valid inside the closure that gets it.
///
/// A file that somebody else may have written holds what it likes, whatever its columns are declared as: every value is read as
/// what it is, and one of another type is an error that names table, row and column.
struct SQLiteRow {
    let statement: OpaquePointer
    /// For messages.
    let table: String
    let path: String

    func integer(_ column: Int32) throws(StoreError) -> Int64 {
        try require(column, SQLITE_INTEGER, "a whole number")
        return sqlite3_column_int64(statement, column)
    }

    func optionalInteger(_ column: Int32) throws(StoreError) -> Int64? {
        isNull(column) ? nil : try integer(column)
    }

    func text(_ column: Int32) throws(StoreError) -> String {
        try require(column, SQLITE_TEXT, "text")
        // The pointer first, the length behind it: sqlite.org/c3ref/column_blob.html.
        guard let start = sqlite3_column_text(statement, column) else {
            throw fault(column, "could not be read: no memory")
        }
        let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
        guard let text = String(validating: bytes, as: UTF8.self) else { throw fault(column, "is not UTF-8") }
        return text
    }

    func optionalText(_ column: Int32) throws(StoreError) -> String? {
        isNull(column) ? nil : try text(column)
    }

    func blob(_ column: Int32) throws(StoreError) -> [UInt8] {
        try require(column, SQLITE_BLOB, "bytes")
        let start = sqlite3_column_blob(statement, column)
        return [UInt8](UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
    }

    func time(_ column: Int32) throws(StoreError) -> StoredTime {
        let text = try text(column)
        guard let time = StoredTime(text: text) else {
            throw fault(column, "is not a time like 2025-11-14 17:14:05.123456: \(Quoted.text(text))")
        }
        return time
    }

    func optionalTime(_ column: Int32) throws(StoreError) -> StoredTime? {
        isNull(column) ? nil : try time(column)
    }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    /// The first column is the row's number in every query whose rows can be at fault.
    func fault(_ column: Int32, _ what: String) -> StoreError {
        let name = sqlite3_column_name(statement, column).map { String(cString: $0) } ?? "\(column)"
        let row = sqlite3_column_int64(statement, 0)
        return StoreError(
            kind: .corrupt,
            message: "\(path): table \(table), row \(row) (rowid): \(name) \(what)",
            remedy: "mend the row with sqlite3 while the server is stopped, or restore a backup"
        )
    }

    private func require(_ column: Int32, _ type: Int32, _ word: String) throws(StoreError) {
        let found = sqlite3_column_type(statement, column)
        guard found != type else { return }
        let words = [
            SQLITE_INTEGER: "a whole number", SQLITE_FLOAT: "a fraction", SQLITE_TEXT: "text", SQLITE_BLOB: "bytes",
        ]
        throw fault(column, "holds \(words[found] ?? "nothing") where \(word) belongs")
    }
}

/// Foreign text in a message: short, on one line, without control characters.
enum Quoted {
    static func text(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(60) {
            result +=
                scalar.properties.isWhitespace || scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
                ? " " : String(scalar)
        }
        return "\"\(result)\(text.unicodeScalars.count > 60 ? "…" : "")\""
    }
}
