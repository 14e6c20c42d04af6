import Glibc
import SandboxCLI
import SandboxPlan
import SandboxRuntime
import WorkspaceStore
import Workspaces

/// `gc` of a server's projects and of the output of its jobs.
enum GcProjects {
    static func run(_ options: GcOptions) -> Int32 {
        do throws(ServeError) {
            return try collect(options)
        } catch {
            Output.say(error.text)
            return 1
        }
    }

    private static func collect(_ options: GcOptions) throws(ServeError) -> Int32 {
        let data = try ServerData(
            given: options.settings,
            dotEnv: options.dotEnv,
            folder: options.dataFolder,
            stateFolder: options.stateDirectory
        )
        // To make the folder, as a server does, is none of this command's.
        guard CString.with(data.root, { access($0, F_OK) }) == 0 else {
            throw ServeError(
                "WORKSPACE_ROOT \(data.root): \(ErrnoName.described(errno)); name the server's with --workspace-root or --data-dir"
            )
        }
        var retention = RetentionSettings()
        retention.projectAge = options.projectAge
        retention.projectSize = options.projectSize
        retention.logAge = options.logAge
        retention.logSize = options.logSize
        let folders: ProjectFolders
        do throws(WorkspaceError) { folders = try ProjectFolders(at: data.root.description) } catch {
            throw ServeError("\(error.message): \(error.detail)")
        }
        let round = RetentionRound(folders, retention, at: .now())
        return options.dryRun ? try show(round, data, options) : try remove(round, folders, data, options)
    }

    /// Beside a server, too.
    private static func show(_ round: RetentionRound, _ data: ServerData, _ options: GcOptions) throws(ServeError)
        -> Int32
    {
        let removals: [Removal]
        do {
            let kept = try DatabaseAdministration(data.database, tool: ToolVersion.current).retained()
            removals = try round.removals(projects: kept.projects, logs: kept.logs)
        } catch { throw failure(error) }
        return write(removals, isDone: false, options)
    }

    private static func remove(
        _ round: RetentionRound,
        _ folders: ProjectFolders,
        _ data: ServerData,
        _ options: GcOptions
    ) throws(ServeError) -> Int32 {
        // A server brings a database up to date, and what it was before is in its backup; this command changes only what it names.
        var removed: [Removal] = []
        do {
            _ = try DatabaseAdministration(data.database, tool: ToolVersion.current).retained()
            var settings = SQLiteStore.Options()
            settings.tool = ToolVersion.current
            let store = try SQLiteStore(data.database, options: settings)
            defer { store.close() }
            let projects = try UnservedProjects(folders, store: store) { Output.say($0) }
            for removal in try round.removals(projects: try store.idleProjects(), logs: try store.keptLogs())
            where try projects.remove(removal) {
                Output.say("\(RemovalLine(removal))")
                removed.append(removal)
            }
        } catch {
            _ = write(removed, isDone: true, options)
            throw failure(error)
        }
        return write(removed, isDone: true, options)
    }

    private static func failure(_ error: any Error) -> ServeError {
        switch error {
        case let error as StoreError where error.kind == .busy:
            ServeError(
                "\(error.message): it removes projects and output itself, as its settings KEEP_… say; set those, or stop it first"
            )
        case let error as StoreError: ServeError("\(error)")
        case let error as WorkspaceError:
            ServeError(error.detail.isEmpty ? error.message : "\(error.message): \(error.detail)")
        case let error: ServeError("\(error)")
        }
    }

    // MARK: - Text

    private static func write(_ removals: [Removal], isDone: Bool, _ options: GcOptions) -> Int32 {
        if options.json { return Output.write(removals.map { json($0, isDone: isDone) }.joined()) }
        if removals.isEmpty { return Output.write("projects and output: nothing to remove\n") }
        var lines = [row(isDone ? "REMOVED" : "WOULD GO", "PROJECT", "JOB", "WHY", "BYTES", "SINCE")]
        for removal in removals {
            lines.append(
                row(
                    removal.job == nil ? "project" : "output",
                    removal.project,
                    removal.job ?? "-",
                    removal.reason.rawValue,
                    "\(removal.bytes)",
                    "\(removal.since.iso)Z"
                )
            )
        }
        return Output.write(lines.joined(separator: "\n") + "\n")
    }

    /// As wide as an id is, and a count of bytes may be.
    private static func row(_ cells: String...) -> String {
        let widths = [8, 36, 36, 4, 14]
        var line = ""
        for (cell, width) in zip(cells, widths) {
            line += cell + String(repeating: " ", count: max(width - cell.count, 0) + 2)
        }
        return line + cells[cells.count - 1]
    }

    private static func json(_ removal: Removal, isDone: Bool) -> String {
        var object = JSONObject([
            ("bytes", JSONValue.quantity(removal.bytes)), ("dryRun", .bool(!isDone)),
            ("kind", .string(removal.job == nil ? "project" : "log")), ("project", .string(removal.project)),
            ("reason", .string(removal.reason.rawValue)), ("since", .string("\(removal.since.iso)Z")),
        ])
        object.add("job", ifPresent: removal.job.map { .string($0) })
        return JSONValue.object(object).canonical.text + "\n"
    }
}
