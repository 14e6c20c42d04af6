/// Which tables a database has, with which columns and rules: what can be compared with what migrations make.
struct DatabaseShape: Hashable {
    struct Column: Hashable, CustomStringConvertible {
        var name: String
        var type: String
        var isRequired: Bool
        /// The place in the primary key from 1, else 0.
        var keyPlace: Int64
        var defaultValue: String?
        /// Generated or hidden: table_xinfo's number.
        var hidden: Int64

        var description: String {
            "\(name) \(type)\(isRequired ? " NOT NULL" : "")\(keyPlace > 0 ? " PRIMARY KEY" : "")"
                + (defaultValue.map { " DEFAULT \($0)" } ?? "") + (hidden != 0 ? " GENERATED" : "")
        }
    }

    struct Table: Hashable {
        /// In their order.
        var columns: [Column]
        var foreignKeys: Set<String>
        /// Of unique keys made by the table itself; others stand in `extras`.
        var uniqueKeys: Int
        /// The words that change what a table takes or how, as often as its text has them.
        var words: [String]
    }

    var tables: [String: Table] = [:]
    /// Indexes that were made by a statement, triggers and views: `index NAME of TABLE`, with their text.
    var extras: [String: String] = [:]

    var isEmpty: Bool { tables.isEmpty && extras.isEmpty }

    /// More than any database of ours has, so that a hostile one cannot keep this busy.
    private static let entryLimit = 64

    static func read(_ connection: SQLiteConnection) throws(StoreError) -> DatabaseShape {
        var shape = DatabaseShape()
        var tables: [(name: String, sql: String)] = []
        var count = 0
        try connection.rows(
            "SELECT rowid, type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid",
            table: "sqlite_schema"
        ) { (row) throws(StoreError) in
            count += 1
            guard count <= entryLimit else { return false }
            let type = try row.text(1)
            let name = try row.text(2)
            // SQLite's own: statistics, counters, the indexes of keys. Names that begin so are forbidden to everybody else.
            guard !name.hasPrefix("sqlite_") else { return true }
            let sql = try row.optionalText(4) ?? ""
            if type == "table" {
                tables.append((name, sql))
            } else {
                shape.extras["\(type) \(name) of \(try row.text(3))"] = plain(sql)
            }
            return true
        }
        if count > entryLimit { return DatabaseShape(extras: ["more than \(entryLimit) entries in the schema": ""]) }
        for table in tables { shape.tables[table.name] = try read(table.name, table.sql, connection) }
        return shape
    }

    private static func read(
        _ name: String,
        _ sql: String,
        _ connection: SQLiteConnection
    ) throws(StoreError) -> Table {
        var table = Table(columns: [], foreignKeys: [], uniqueKeys: 0, words: words(sql))
        try connection.rows(
            "SELECT cid, name, type, \"notnull\", pk, dflt_value, hidden FROM pragma_table_xinfo(?) ORDER BY cid",
            .text(name),
            table: name
        ) { (row) throws(StoreError) in
            table.columns.append(
                Column(
                    name: try row.text(1),
                    type: try row.text(2).uppercased(),
                    isRequired: try row.integer(3) != 0,
                    keyPlace: try row.integer(4),
                    defaultValue: try row.optionalText(5),
                    hidden: try row.integer(6)
                )
            )
            return true
        }
        try connection.rows(
            "SELECT id, seq, \"table\", \"from\", \"to\", on_update, on_delete, \"match\" FROM pragma_foreign_key_list(?)",
            .text(name),
            table: name
        ) { (row) throws(StoreError) in
            var words: [String] = []
            for column: Int32 in 2...7 { words.append(try row.optionalText(column) ?? "") }
            table.foreignKeys.insert(words.joined(separator: " "))
            return true
        }
        table.uniqueKeys =
            try connection.row(
                "SELECT count(*) FROM pragma_index_list(?) WHERE origin = 'u'",
                .text(name),
                table: name
            ) { (row) throws(StoreError) in Int(try row.integer(0)) } ?? 0
        return table
    }

    // MARK: - Text

    private static let telling: Set<String> = [
        "check", "collate", "conflict", "virtual", "strict", "without", "autoincrement", "deferrable", "generated",
        "temp",
    ]

    private static func words(_ sql: String) -> [String] {
        sql.lowercased().split { !($0.isLetter || $0 == "_") }.map(String.init).filter(telling.contains).sorted()
    }

    /// Without the differences that mean nothing: case, quotes, white space.
    private static func plain(_ sql: String) -> String {
        sql.lowercased().filter { !$0.isWhitespace && $0 != "\"" && $0 != "`" }
    }
}

extension DatabaseShape {
    /// What this one has otherwise than `expected`, in words and in a fixed order; empty if they are the same.
    func differences(from expected: DatabaseShape) -> [String] {
        var found: [String] = []
        for name in Set(tables.keys).union(expected.tables.keys).sorted() {
            switch (tables[name], expected.tables[name]) {
            case (nil, _): found.append("table \(name) is missing")
            case (_, nil): found.append("table \(Quoted.text(name)) is unknown")
            case (let table?, let other?): found += table.differences(from: other, name)
            }
        }
        for name in Set(extras.keys).union(expected.extras.keys).sorted() where extras[name] != expected.extras[name] {
            found.append(
                extras[name] == nil
                    ? "\(name) is missing"
                    : "\(Quoted.text(name)) is \(expected.extras[name] == nil ? "unknown" : "another")"
            )
        }
        return found
    }
}

extension DatabaseShape.Table {
    fileprivate func differences(from expected: DatabaseShape.Table, _ name: String) -> [String] {
        guard self != expected else { return [] }
        var found: [String] = []
        for column in expected.columns where !columns.contains(column) {
            let other = columns.first { $0.name == column.name }
            found.append("\(name): \(column) is \(other.map { Quoted.text("\($0)") } ?? "missing")")
        }
        for column in columns where !expected.columns.contains(where: { $0.name == column.name }) {
            found.append("\(name): column \(Quoted.text("\(column)")) is unknown")
        }
        if found.isEmpty, columns != expected.columns { found.append("\(name): the columns are in another order") }
        if foreignKeys != expected.foreignKeys { found.append("\(name): other foreign keys") }
        if uniqueKeys != expected.uniqueKeys { found.append("\(name): other unique keys") }
        if words != expected.words { found.append("\(name): other rules (CHECK, COLLATE, …) in its text") }
        return found
    }
}
