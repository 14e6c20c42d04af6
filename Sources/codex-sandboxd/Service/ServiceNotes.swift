import SandboxAPI
import SandboxCLI
import SandboxPlan
import ServiceManager

/// What `service uninstall` says besides what it does: what is kept, where, and how to be rid of it.
struct ServiceNotes {
    let places: ServicePlaces
    let found: FoundService
    /// Of the records; nil where the unit does not say it.
    let state: String?
    let isPurge: Bool
    /// The folder with data that the unit names, where another one was named; nil where there is none.
    let other: String?

    var ofUninstall: [String] { ofState + ofOther + found.dropIns.filter(\.isOfOurs).map(ServiceNotes.dropIn) }

    /// A purge of a named folder, beside a service that has its own.
    static func ofOtherService(_ settings: String) -> String {
        "kept: the package's units, which the service manager has enabled or started, and \(settings): no unit of service install says "
            + "that this data was theirs; `codex-sandbox service uninstall` ends them"
    }

    /// Of a purge that was ended behind its last file.
    static let restOfPurge =
        "a purge that was interrupted is done: its files were gone, and the service manager had to be told. Nothing else of it is left; "
        + "data of units that were removed in another way goes with `codex-sandbox service uninstall --purge --state-dir DIR`"

    /// Somebody has written it, and it is for him to remove.
    static func dropIn(_ dropIn: DropIn) -> String {
        let path = Shown.whole(OSString(dropIn.path))
        return "kept: \(path), a drop-in, which acts on the next unit of that name; remove it yourself"
            + (dropIn.mayStartAnother ? ". It may say another folder of data than the unit" : "")
    }

    private var ofOther: [String] {
        other.map { ["kept: \($0)/serve/ (which the unit names); `\(ServiceNotes.purge($0))` removes it"] } ?? []
    }

    private var ofState: [String] {
        guard let state else {
            return ["kept: database, projects and records; the unit does not say where they lie"] + settings
        }
        // What the unit said is gone with it: the next call has to be told, of the usual folder too.
        let option = " --state-dir \(Shown.shellWord(OSString(state)))"
        var notes: [String] = []
        if isPurge {
            if !found.hasData {
                notes.append(
                    "there is no data in \(state)/serve/; of a service that had another --state-dir, name it: "
                        + "service uninstall --purge --state-dir DIR"
                )
            }
        } else {
            if found.hasData {
                notes.append(
                    (found.serviceText == nil
                        ? "there is a server's data in \(state)/serve/, which no unit names"
                        : "kept: \(state)/serve/ (database and projects)")
                        + "; `\(ServiceNotes.purge(state))` removes it"
                )
            }
            notes += settings
        }
        notes.append(
            "the records of all launches stay in \(state)/evidence/; `codex-sandbox gc\(option)` removes old ones"
        )
        return notes
    }

    private static let mostNamed = 20

    /// The command that removes what lies in a folder of records, whatever units there are.
    static func purge(_ state: String) -> String {
        "codex-sandbox service uninstall --purge --state-dir \(Shown.shellWord(OSString(state)))"
    }

    /// What a purge has met that no server has made, and the command for what is left then: the units are gone.
    static func staying(_ paths: [OSString], purge command: String?) -> [String] {
        let named = paths.prefix(mostNamed).map {
            "not removed: \(Shown.whole($0)), which no server has made; move it away, or remove it yourself"
        }
        let more = paths.count > mostNamed ? ["not removed: \(paths.count - mostNamed) more beside them"] : []
        let rest = paths.isEmpty ? nil : command.map { "once that is away, `\($0)` removes the rest" }
        return named + more + (rest.map { [$0] } ?? [])
    }

    /// What the service had in another place than its folder of data.
    ///
    /// Without the settings that said so, which go too.
    static func elsewhere(_ name: SettingName, _ value: String) -> String {
        let (what, them) = name == .databaseURL ? ("the database", "it") : ("the projects", "them")
        return
            "not removed: \(what) in \(Shown.whole(OSString(value))), where \(name.rawValue) had \(them); remove \(them) yourself"
    }

    private var settings: [String] { !isPurge && found.hasSettings ? ["kept: \(places.settings)"] : [] }
}
