import SandboxCLI
import SandboxPlan
import SandboxRuntime
import ServiceManager

/// `service status`.
enum ServiceStatus {
    static func show(_ options: ServiceOptions) throws(ServiceError) -> Int32 {
        let places = try ServicePlaces(stateDirectory: nil)
        let found = try places.found(try UserManager(), wanted: nil)
        var jobs: [RunningJob] = []
        do throws(EvidenceError) {
            let running = try RunningJobs.find()
            jobs = running.jobs.filter { $0.supervisor == found.service?.mainPID }
            for problem in running.problems { Output.say(problem) }
        } catch { Output.say("\(error.message); \(error.remedy)") }
        let written =
            options.json
            ? Output.write(json(found, places, jobs).canonical.bytes + [UInt8(ascii: "\n")])
            : Output.write(table(found, places, jobs))
        // A socket that listens is a service that is there: it starts with its first client.
        let isThere =
            found.service?.isActive == true
            || found.socket?.isActive == true && found.service?.isFailed != true
                && found.service?.waitsForRestart != true
        return isThere ? written : 1
    }

    private static func state(_ found: FoundService) -> String {
        guard let service = found.service else { return "not installed" }
        if service.isActive { return "running" }
        if service.isFailed { return "failed" }
        if service.waitsForRestart { return "starts again after a failure: codex-sandbox service logs" }
        if service.isStarting { return "starting" }
        return found.socket?.isActive == true ? "waiting for its first client" : "stopped"
    }

    static func table(_ found: FoundService, _ places: ServicePlaces, _ jobs: [RunningJob]) -> String {
        var rows: [(String, String)] = [("state", state(found))]
        if let service = found.service {
            if let pid = service.mainPID {
                rows.append(
                    (
                        "process",
                        "\(pid), since \(service["ActiveEnterTimestamp"] ?? "unknown"), \(service["NRestarts"] ?? "0") restarts"
                    )
                )
                if found.isOutdated {
                    rows.append(("program", "replaced since: systemctl --user restart \(ServiceUnits.serviceName)"))
                }
            }
            if let said = service["StatusText"], !said.isEmpty { rows.append(("says", said)) }
            if service.isFailed {
                rows.append(
                    ("result", "\(service["Result"] ?? "unknown"); systemctl --user reset-failed, service logs")
                )
            }
            if let memory = service.number("MemoryCurrent") {
                rows.append(
                    ("uses", "\(ByteCount(bytes: UInt64(max(0, memory)))), \(service["TasksCurrent"] ?? "?") tasks")
                )
            }
            rows.append(("unit", "\(service["FragmentPath"] ?? "-"), \(service["UnitFileState"] ?? "unknown")"))
        }
        if let socket = found.socket {
            let listens = (socket["Listen"] ?? "").split(separator: "\n").joined(separator: ", ")
            rows.append(
                (
                    "listens",
                    "\(listens): \(socket["ActiveState"] ?? "unknown"), \(socket["UnitFileState"] ?? "unknown")"
                )
            )
        }
        let data = places.data(found)
        let unknown = "not known: that unit is none of \(places.unitFolder)"
        rows.append(("settings", data == nil ? unknown : places.settings + (found.hasSettings ? "" : ", not there")))
        rows.append(("data", data.map { $0 + (found.hasData ? "" : ", not there yet") } ?? unknown))
        if let other = places.unheeded(found) { rows.append(("beware", other)) }
        rows.append(
            (
                "lingering",
                UserManager.isLingering ? "yes" : "no: it ends with your last session; loginctl enable-linger"
            )
        )
        // The longest name has nine letters.
        let lines = rows.map { name, value in
            name + String(repeating: " ", count: max(1, 11 - name.utf8.count)) + value + "\n"
        }
        return lines.joined() + (jobs.isEmpty ? "" : "\n" + StatusText.table(jobs))
    }

    static func json(_ found: FoundService, _ places: ServicePlaces, _ jobs: [RunningJob]) -> JSONValue {
        func unit(_ state: UnitState?) -> JSONValue {
            guard let state else { return .null }
            return .object(JSONObject(state.properties.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        }
        var object = JSONObject([
            ("data", places.data(found).map { .string($0) } ?? .null), ("jobs", .integer(Int64(jobs.count))),
            ("lingering", .bool(UserManager.isLingering)), ("outdated", .bool(found.isOutdated)),
            ("service", unit(found.service)),
            ("settings", places.data(found) == nil ? .null : .string(places.settings)),
            ("socket", unit(found.socket)),
            ("state", .string(state(found))),
        ])
        object.add("problem", ifPresent: places.unheeded(found).map { .string($0) })
        return .object(object)
    }
}
