extension Project {
    /// The columns in the order of `init(_:)`.
    static let columns = "rowid, id, instruction, status, summary, policy, created_at, updated_at"

    init(_ row: SQLiteRow) throws(StoreError) {
        self.init(
            id: try row.id(1),
            instruction: try row.text(2),
            status: try row.status(3),
            summary: try row.optionalText(4),
            policy: try row.optionalText(5),
            createdAt: try row.time(6),
            updatedAt: try row.time(7)
        )
    }
}

extension Job {
    static let columns = """
        rowid, id, project_id, job_type, instruction, status, created_at, updated_at, worker, reason, summary, exit_status, \
        launch, result, started_at, ended_at
        """
    /// For lists: what a worker has answered, which may be large, is read one by one.
    static let listColumns = """
        rowid, id, project_id, job_type, instruction, status, created_at, updated_at, worker, reason, summary, exit_status, \
        launch, NULL, started_at, ended_at
        """

    init(_ row: SQLiteRow) throws(StoreError) {
        let word = try row.text(3)
        guard let type = JobType(rawValue: word) else {
            throw row.fault(3, "is no type of a job: \(Quoted.text(word))")
        }
        self.init(
            id: try row.id(1),
            projectID: try row.id(2),
            type: type,
            instruction: try row.text(4),
            status: try row.status(5),
            createdAt: try row.time(6),
            updatedAt: try row.time(7)
        )
        worker = try row.optionalText(8)
        reason = try row.optionalText(9)
        summary = try row.optionalText(10)
        if let number = try row.optionalInteger(11) {
            guard let status = Int32(exactly: number) else { throw row.fault(11, "is out of range: \(number)") }
            exitStatus = status
        }
        launch = try row.optionalText(12)
        result = try row.optionalText(13)
        startedAt = try row.optionalTime(14)
        endedAt = try row.optionalTime(15)
    }

    /// What it holds of texts without an own small limit, in bytes.
    var textBytes: Int { instruction.utf8.count + (result?.utf8.count ?? 0) + (summary?.utf8.count ?? 0) }
}

extension JobEvent {
    static let columns = "rowid, number, kind, at, data"

    init(_ row: SQLiteRow) throws(StoreError) {
        let word = try row.text(2)
        guard let kind = Kind(rawValue: word) else {
            throw row.fault(2, "is no kind of an event: \(Quoted.text(word))")
        }
        self.init(number: try row.integer(1), kind: kind, at: try row.time(3), data: try row.blob(4))
    }
}

extension SQLiteRow {
    /// Ids name folders: one that another program has written in another spelling is not handed on.
    func id(_ column: Int32) throws(StoreError) -> String {
        let text = try text(column)
        guard UUIDText.isCanonical(text) else { throw fault(column, "is not a UUID: \(Quoted.text(text))") }
        return text
    }

    func status(_ column: Int32) throws(StoreError) -> JobStatus {
        let word = try text(column)
        guard let status = JobStatus(rawValue: word) else { throw fault(column, "is no status: \(Quoted.text(word))") }
        return status
    }
}

/// What may be written: the same rules as for what is read.
enum RowRule {
    static func check(id: String) throws(StoreError) {
        guard UUIDText.isCanonical(id) else {
            throw broken("the id \(Quoted.text(id)) is not a UUID in lower case with dashes")
        }
    }

    static func check(_ texts: String?...) throws(StoreError) {
        for case let text? in texts where text.utf8.count > StoreLimits.textBytes {
            throw broken("a text of \(text.utf8.count) bytes is more than \(StoreLimits.textBytes)")
        }
    }

    static func check(limit: Int) throws(StoreError) -> SQLiteValue {
        guard limit > 0 else { throw broken("a page of \(limit) rows") }
        return .integer(Int64(min(limit, StoreLimits.rows)))
    }

    static func broken(_ what: String) -> StoreError {
        StoreError(kind: .constraint, message: what, remedy: "this is a fault of the caller: nothing was written")
    }
}
