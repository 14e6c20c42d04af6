/// Whether a file is a database, and a sound one.
struct SQLiteCheck {
    let connection: SQLiteConnection

    /// Reads the schema, and every page if the file is no larger than `limit`: indexes are not compared with their tables.
    func quick(upTo limit: Int64, size: Int64?) throws(StoreError) {
        try connection.leaveLog(true)
        // The first read also plays a journal back that another program has left, as it must.
        _ = try connection.row("SELECT count(*) FROM sqlite_schema", table: "sqlite_schema") {
            (row) throws(StoreError) in
            try row.integer(0)
        }
        guard let size, size <= limit else { return }
        try check("quick_check")
    }

    /// Everything that SQLite can compare: time and reads as the whole file.
    func whole() throws(StoreError) {
        try check("integrity_check")
    }

    private func check(_ pragma: String) throws(StoreError) {
        let answer = try connection.row("PRAGMA \(pragma)(1)", table: "") { (row) throws(StoreError) in try row.text(0)
        }
        guard answer == "ok" else {
            throw StoreError(
                kind: .corrupt,
                message: "\(connection.path) is damaged: \(Quoted.text(answer ?? "no answer"))",
                remedy: SQLiteFailure.corrupt(connection.path)
            )
        }
    }
}
