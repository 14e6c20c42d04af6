/// What the service manager says of a unit (`systemctl show`).
public struct UnitState: Hashable, Sendable {
    /// Every property that was asked for, as it was said.
    public var properties: [String: String]

    /// Those that `parse` wants to be asked for.
    public static let asked = [
        "Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "FragmentPath", "NeedDaemonReload", "Result",
        "MainPID",
        "NRestarts", "ActiveEnterTimestamp", "StatusText", "MemoryCurrent", "TasksCurrent", "Listen", "ExecMainStatus",
        "DropInPaths",
    ]

    public init(properties: [String: String]) { self.properties = properties }

    public subscript(_ name: String) -> String? { properties[name] }

    public var isLoaded: Bool { self["LoadState"] == "loaded" }
    public var isActive: Bool { self["ActiveState"] == "active" || self["ActiveState"] == "reloading" }
    /// Between two starts, the last of which has failed (systemd.service(5), Restart=).
    public var waitsForRestart: Bool { self["ActiveState"] == "activating" && self["SubState"] == "auto-restart" }
    public var isStarting: Bool { self["ActiveState"] == "activating" && !waitsForRestart }
    public var isStopping: Bool { self["ActiveState"] == "deactivating" }
    public var isFailed: Bool { self["ActiveState"] == "failed" }
    public var isEnabled: Bool { self["UnitFileState"] == "enabled" }
    /// Nil where nothing runs, and for what is no number of a process.
    public var mainPID: Int32? { number("MainPID").flatMap { $0 > 0 ? Int32(exactly: $0) : nil } }

    /// Nil also for what the manager does not count, which it says as `[not set]` or as the largest number.
    public func number(_ name: String) -> Int64? { self[name].flatMap { Int64($0) } }

    /// Units stand one behind the other with an empty line between; a property that has several values, as `Listen`, has lines.
    public static func parse(_ text: String) -> [UnitState] {
        var units: [UnitState] = []
        // Joined once: each line behind all before it would be a copy of those.
        var values: [String: [Substring]] = [:]
        func end() {
            if !values.isEmpty {
                units.append(UnitState(properties: values.mapValues { $0.joined(separator: "\n") }))
            }
            values = [:]
        }
        // By bytes, as systemctl writes them.
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else {
                end()
                continue
            }
            values[String(Substring(line[..<equals])), default: []].append(
                Substring(line[line.index(after: equals)...])
            )
        }
        end()
        return units
    }
}
