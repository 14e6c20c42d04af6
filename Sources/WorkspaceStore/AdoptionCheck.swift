/// Looks at every row of a database that this program did not write, before it becomes its own.
///
/// All or nothing: a row that breaks a rule is named and the database refused, unchanged. To take it and answer an error for that
/// row for ever, or to change it silently, would both lose what somebody wrote: whoever has the file decides. The rules are those
/// of the rows that this program writes: ids are UUIDs in lower case with dashes (they name folders), times are SQLAlchemy's,
/// status and type are known words, texts are UTF-8 and no longer than `StoreLimits.textBytes`, each job's project is there.
struct AdoptionCheck {
    let connection: SQLiteConnection

    func run() throws(StoreError) {
        try check(
            "projects",
            "SELECT rowid, id, created_at, updated_at, instruction, status, summary, workspace_path FROM projects"
        ) {
            (row) throws(StoreError) in
            try id(row, 1)
            _ = try row.time(2)
            _ = try row.time(3)
            try text(row, 4)
            try word(row, 5, JobStatus.allCases.map(\.rawValue))
            if !row.isNull(6) { try text(row, 6) }
            try text(row, 7)
        }
        try check(
            "jobs",
            "SELECT rowid, id, project_id, created_at, updated_at, job_type, instruction, status, result_path, logs_path FROM jobs"
        ) { (row) throws(StoreError) in
            try id(row, 1)
            try id(row, 2)
            _ = try row.time(3)
            _ = try row.time(4)
            try word(row, 5, JobType.allCases.map(\.rawValue))
            try text(row, 6)
            try word(row, 7, JobStatus.allCases.map(\.rawValue))
            if !row.isNull(8) { try text(row, 8) }
            if !row.isNull(9) { try text(row, 9) }
        }
        try check(
            "jobs",
            "SELECT j.rowid, j.project_id FROM jobs j LEFT JOIN projects p ON p.id = j.project_id WHERE p.id IS NULL",
            order: "j.rowid"
        ) { (row) throws(StoreError) in
            throw row.fault(1, "names a project that is not there: \(Quoted.text(try row.text(1)))")
        }
    }

    private func check(
        _ table: String,
        _ sql: String,
        order: String = "rowid",
        _ body: (SQLiteRow) throws(StoreError) -> Void
    ) throws(StoreError) {
        var last: Int64?
        do {
            try connection.rows("\(sql) ORDER BY \(order)", table: table) { (row) throws(StoreError) in
                last = try row.integer(0)
                try body(row)
                return true
            }
        } catch {
            guard error.kind == .corrupt else { throw error }
            let place = last.map { "at or after row \($0)" } ?? "at the first row"
            throw StoreError(
                kind: .unknownSchema,
                message: "the database cannot be adopted (\(table), \(place)): \(error.message); nothing was changed",
                remedy: "mend or delete the row with sqlite3, or set another DATABASE_URL"
            )
        }
    }

    private func id(_ row: SQLiteRow, _ column: Int32) throws(StoreError) {
        let text = try row.text(column)
        guard UUIDText.isCanonical(text) else {
            throw row.fault(column, "is not a UUID in lower case with dashes: \(Quoted.text(text))")
        }
    }

    private func text(_ row: SQLiteRow, _ column: Int32) throws(StoreError) {
        let count = try row.text(column).utf8.count
        guard count <= StoreLimits.textBytes else {
            throw row.fault(column, "has \(count) bytes, more than \(StoreLimits.textBytes)")
        }
    }

    private func word(_ row: SQLiteRow, _ column: Int32, _ words: [String]) throws(StoreError) {
        let text = try row.text(column)
        guard words.contains(text) else {
            throw row.fault(column, "is \(Quoted.text(text)), and not one of \(words.joined(separator: ", "))")
        }
    }
}

/// The one spelling of ids: they are compared as text, and name folders.
enum UUIDText {
    static func isCanonical(_ text: String) -> Bool {
        let bytes = text.utf8
        guard bytes.count == 36 else { return false }
        return bytes.enumerated().allSatisfy { place, byte in
            switch place {
            case 8, 13, 18, 23: byte == UInt8(ascii: "-")
            default:
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
        }
    }
}
