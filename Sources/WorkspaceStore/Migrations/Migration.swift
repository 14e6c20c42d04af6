/// One step of the schema: number, name and text never change once it is in a release, because databases remember them.
struct Migration: Hashable {
    /// From 1, without gaps.
    var number: Int
    var name: String
    var sql: String

    static let all = [originalTables, jobRuns, jobEvents, jobChanges]

    /// Which steps a database has had, and when.
    ///
    /// The first step brings it, or adoption. The text of each is kept, so that a database that came about otherwise than this program thinks is seen.
    static let record = """
        CREATE TABLE codex_sandbox_migrations (
            number INTEGER NOT NULL PRIMARY KEY,
            name TEXT NOT NULL,
            sql TEXT NOT NULL,
            applied_at TEXT NOT NULL,
            tool TEXT NOT NULL,
            adopted INTEGER NOT NULL
        );
        """
    static let recordTable = "codex_sandbox_migrations"
}
