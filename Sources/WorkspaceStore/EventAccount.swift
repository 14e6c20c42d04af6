/// What is kept of a job's events, and what has been let go.
///
/// Output is kept from its beginning up to the limit, in whole events: the first that does not fit is let go, and with it all later
/// ones, so that what is kept has no holes. `worker` events have an account of their own. What was let go is told by one event,
/// `dropped`, with the bytes of both so far: it has the number of the latest event that was let go, and moves on with each, so that
/// a reader who asks for what is behind a number gets the new count. So numbers only rise, and a missing one is output let go.
struct EventAccount {
    private var lastNumber: Int64 = 0
    private var stateEvents: Int64 = 0
    private var output = Share()
    private var worker = Share()
    private var droppedNumber: Int64?

    /// One account: what is kept, and what is not.
    private struct Share {
        var bytes: Int64 = 0
        var events: Int64 = 0
        var dropped: Int64 = 0

        /// Whether it was counted as kept.
        mutating func takes(_ count: Int, bytes limit: Int, events eventLimit: Int) -> Bool {
            guard dropped == 0, bytes + Int64(count) <= Int64(limit), events < Int64(eventLimit) else {
                // An event without bytes is let go, too, and must close the account.
                drop(Int64(max(count, 1)))
                return false
            }
            bytes += Int64(count)
            events += 1
            return true
        }

        /// What was kept is not any more.
        mutating func letGo() {
            guard events > 0 else { return }
            // An event without bytes is let go, too, and must close the account.
            drop(max(bytes, 1))
            (bytes, events) = (0, 0)
        }

        mutating func drop(_ count: Int64) {
            let (sum, overflows) = dropped.addingReportingOverflow(count)
            dropped = overflows ? Int64.max : sum
        }
    }

    static func add(
        _ events: [JobEvent],
        to job: String,
        limits: StoreLimits,
        _ connection: SQLiteConnection
    ) throws(StoreError) {
        var account = try read(job, connection)
        let dropped = account.droppedNumber
        for event in events {
            guard event.number > account.lastNumber else {
                throw RowRule.broken(
                    "event \(event.number) of job \(Quoted.text(job)): the last one was \(account.lastNumber)"
                )
            }
            account.lastNumber = event.number
            guard try account.takes(event, limits) else {
                account.droppedNumber = event.number
                continue
            }
            try insert(event, job, connection)
        }
        if let number = account.droppedNumber, number != dropped {
            if let dropped {
                try connection.run(
                    "DELETE FROM job_events WHERE job_id = ? AND number = ?",
                    .text(job),
                    .integer(dropped)
                )
            }
            let time = events.last { $0.number == number }?.at ?? events[events.count - 1].at
            try insert(
                JobEvent(number: number, kind: .dropped, at: time, data: Array("\(account.droppedBytes)".utf8)),
                job,
                connection
            )
        }
        try account.write(job, connection)
    }

    /// The event of `interruptUnfinished`, which has no caller to number it.
    static func interrupt(
        _ job: String,
        at time: StoredTime,
        limits: StoreLimits,
        _ connection: SQLiteConnection
    ) throws(StoreError) {
        var account = try read(job, connection)
        let (number, overflows) = account.lastNumber.addingReportingOverflow(1)
        // A job whose numbers are used up is ended all the same: without the event.
        guard !overflows else { return }
        account.lastNumber = number
        account.stateEvents += 1
        try insert(
            JobEvent(number: number, kind: .state, at: time, data: Array("error interrupted".utf8)),
            job,
            connection
        )
        try account.write(job, connection)
    }

    /// Lets go what is kept of a job's output, and says so as where there was too much of it; its states stay.
    ///
    /// - Returns: the bytes that went.
    static func letGo(of job: String, _ connection: SQLiteConnection) throws(StoreError) -> Int64 {
        var account = try read(job, connection)
        let latest = try connection.row(
            """
            SELECT rowid, number, at FROM job_events WHERE job_id = ? AND kind IN ('stdout', 'stderr', 'worker')
            ORDER BY number DESC LIMIT 1
            """,
            .text(job),
            table: "job_events"
        ) { (row) throws(StoreError) in (number: try row.integer(1), at: try row.time(2)) }
        guard let latest else { return 0 }
        let bytes = account.output.bytes + account.worker.bytes
        account.output.letGo()
        account.worker.letGo()
        try connection.run(
            "DELETE FROM job_events WHERE job_id = ? AND kind IN ('stdout', 'stderr', 'worker', 'dropped')",
            .text(job)
        )
        let number = max(latest.number, account.droppedNumber ?? 0)
        account.droppedNumber = number
        try insert(
            JobEvent(number: number, kind: .dropped, at: latest.at, data: Array("\(account.droppedBytes)".utf8)),
            job,
            connection
        )
        try account.write(job, connection)
        return bytes
    }

    private var droppedBytes: Int64 {
        let (sum, overflows) = output.dropped.addingReportingOverflow(worker.dropped)
        return overflows ? Int64.max : sum
    }

    /// Whether the event itself is kept.
    private mutating func takes(_ event: JobEvent, _ limits: StoreLimits) throws(StoreError) -> Bool {
        switch event.kind {
        case .state:
            guard event.data.count <= StoreLimits.stateBytes, stateEvents < Int64(StoreLimits.stateEvents) else {
                throw RowRule.broken(
                    "event \(event.number): a state of \(event.data.count) bytes, or the job has \(stateEvents) of them"
                )
            }
            stateEvents += 1
            return true
        case .stdout, .stderr:
            try EventAccount.checkSize(event)
            return output.takes(event.data.count, bytes: limits.keptOutputBytes, events: limits.keptOutputEvents)
        case .worker:
            try EventAccount.checkSize(event)
            return worker.takes(event.data.count, bytes: limits.keptWorkerBytes, events: limits.keptWorkerEvents)
        case .dropped:
            guard event.data.count <= 19, let bytes = Int64(String(decoding: event.data, as: UTF8.self)), bytes >= 0
            else {
                throw RowRule.broken("event \(event.number): a number of bytes let go that is none")
            }
            output.drop(bytes)
            return false
        }
    }

    private static func checkSize(_ event: JobEvent) throws(StoreError) {
        guard event.data.count <= StoreLimits.eventBytes else {
            throw RowRule.broken(
                "event \(event.number) has \(event.data.count) bytes, more than \(StoreLimits.eventBytes)"
            )
        }
    }

    // MARK: - Rows

    private static func insert(_ event: JobEvent, _ job: String, _ connection: SQLiteConnection) throws(StoreError) {
        try connection.run(
            "INSERT INTO job_events (job_id, number, kind, at, data) VALUES (?, ?, ?, ?, ?)",
            .text(job),
            .integer(event.number),
            .text(event.kind.rawValue),
            .time(event.at),
            .blob(event.data)
        )
    }

    private static func read(_ job: String, _ connection: SQLiteConnection) throws(StoreError) -> EventAccount {
        let found = try connection.row(
            """
            SELECT last_number, state_events, output_bytes, output_events, output_dropped, worker_bytes, worker_events,
                worker_dropped, dropped_number FROM job_accounts WHERE job_id = ?
            """,
            .text(job),
            table: "job_accounts"
        ) { (row) throws(StoreError) in
            var account = EventAccount()
            account.lastNumber = try row.count(0, upTo: .max)
            account.stateEvents = try row.count(1)
            account.output = Share(
                bytes: try row.count(2),
                events: try row.count(3),
                dropped: try row.count(4, upTo: .max)
            )
            account.worker = Share(
                bytes: try row.count(5),
                events: try row.count(6),
                dropped: try row.count(7, upTo: .max)
            )
            account.droppedNumber = try row.optionalInteger(8)
            return account
        }
        return found ?? EventAccount()
    }

    private func write(_ job: String, _ connection: SQLiteConnection) throws(StoreError) {
        try connection.run(
            """
            INSERT OR REPLACE INTO job_accounts (job_id, last_number, state_events, output_bytes, output_events, output_dropped,
                worker_bytes, worker_events, worker_dropped, dropped_number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .text(job),
            .integer(lastNumber),
            .integer(stateEvents),
            .integer(output.bytes),
            .integer(output.events),
            .integer(output.dropped),
            .integer(worker.bytes),
            .integer(worker.events),
            .integer(worker.dropped),
            droppedNumber.map { .integer($0) } ?? .null
        )
    }
}

extension SQLiteRow {
    /// A number that is not below 0, and, unless its sums are looked at, not so large that adding an event's to it would trap.
    fileprivate func count(_ column: Int32, upTo limit: Int64 = Int64.max / 2) throws(StoreError) -> Int64 {
        let number = try integer(column)
        guard number >= 0, number <= limit else { throw fault(column, "is out of range: \(number)") }
        return number
    }
}
