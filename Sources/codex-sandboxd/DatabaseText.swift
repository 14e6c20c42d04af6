import SandboxPlan
import SandboxRuntime
import WorkspaceStore

/// What `db` prints.
enum DatabaseText {
    static func table(_ status: DatabaseAdministration.Status) -> String {
        var text = "\(status.path): \(words(status.state))\n"
        for migration in status.migrations {
            var line = "  \(migration.number)  \(migration.name)  "
            if let time = migration.appliedAt {
                line += "\(migration.isAdopted ? "adopted" : "applied") \(time.iso)"
                if let tool = migration.tool { line += " by \(tool)" }
            } else {
                line += pending(status)
            }
            text += line + "\n"
        }
        return text
    }

    static func json(_ status: DatabaseAdministration.Status) -> String {
        let migrations: [JSONValue] = status.migrations.map { migration in
            var object = JSONObject([
                ("name", .string(migration.name)), ("number", .integer(Int64(migration.number))),
                (
                    "state",
                    .string(migration.appliedAt == nil ? pending(status) : migration.isAdopted ? "adopted" : "applied")
                ),
            ])
            object.add("applied_at", ifPresent: migration.appliedAt.map { .string($0.iso) })
            object.add("tool", ifPresent: migration.tool.map { .string($0) })
            return .object(object)
        }
        var object = JSONObject([
            ("migrations", .array(migrations)), ("path", .string(status.path)), ("state", .string(word(status.state))),
        ])
        object.add("size", ifPresent: status.size.map { JSONValue.quantity(UInt64($0)) })
        if case .unknown(let error) = status.state { object.add("problem", .string("\(error)")) }
        return JSONValue.object(object).canonical.text + "\n"
    }

    /// Of a schema that is not known nothing can be said to come.
    private static func pending(_ status: DatabaseAdministration.Status) -> String {
        if case .unknown = status.state { "not known" } else { "pending" }
    }

    private static func word(_ state: DatabaseAdministration.Status.State) -> String {
        switch state {
        case .missing: "missing"
        case .original: "original"
        case .unmarked: "unmarked"
        case .current: "current"
        case .behind: "behind"
        case .unknown: "unknown"
        }
    }

    private static func words(_ state: DatabaseAdministration.Status.State) -> String {
        switch state {
        case .missing: "not there yet; the next start makes it"
        case .original: "of the orchestrator that came before; the next start adopts it"
        case .unmarked(let number): "its tables are those of migration \(number), and nothing says so; see db stamp"
        case .current: "up to date"
        case .behind: "the next start applies what is pending"
        case .unknown(let error): "\(error)"
        }
    }
}
