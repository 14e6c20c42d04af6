import Glibc
import SandboxPlan
import SandboxRuntime
import ServiceManager

/// Where the files of the service lie, for the caller.
struct ServicePlaces {
    /// Absolute.
    let unitFolder: String
    let settings: String
    let stateFolder: String
    /// The same without `--state-dir`; nil where there is none.
    let usualStateFolder: String?

    init(stateDirectory: OSString?) throws(ServiceError) {
        let environment = CallerStrings.all(environ)
        let state: OSString
        do throws(EvidenceError) {
            state = try Places.stateFolder(stateDirectory)
        } catch { throw ServiceError("\(error.message); \(error.remedy)") }
        let config = SettingsFile.variable("XDG_CONFIG_HOME", in: environment) ?? ""
        let home = SettingsFile.variable("HOME", in: environment) ?? ""
        let base: String
        if config.hasPrefix("/") {
            base = config
        } else if home.hasPrefix("/") {
            base = home + "/.config"
        } else if let account = getpwuid(geteuid()) {
            base = String(cString: account.pointee.pw_dir) + "/.config"
        } else {
            throw ServiceError("where your settings lie cannot be found: set HOME")
        }
        guard let text = state.utf8 else {
            throw ServiceError("\(state) is not UTF-8, and a unit has to name it; name another --state-dir")
        }
        unitFolder = "\(base)/systemd/user"
        settings = "\(base)/codex-sandbox/service.env"
        stateFolder = text
        if stateDirectory == nil {
            usualStateFolder = text
        } else {
            do throws(EvidenceError) {
                usualStateFolder = try Places.stateFolder(nil).utf8
            } catch { usualStateFolder = nil }
        }
    }

    /// What is there; of the manager nothing where it does not answer.
    ///
    /// - Parameters:
    ///   - manager: nil where there is none to be asked.
    ///   - wanted: what an install would write now: its beginning, as that of what is there, is what a killed one has left.
    /// - Returns: all of it.
    /// - Throws: `ServiceError` where something cannot be read.
    func found(_ manager: UserManager?, wanted: ServiceUnits?) throws(ServiceError) -> FoundService {
        var found = FoundService()
        found.hasUnitFolder = access(unitFolder, F_OK) == 0
        found.hasSettings = ServicePlaces.isThere(settings)
        found.serviceText = try unit(ServiceUnits.serviceName)
        found.socketText = try unit(ServiceUnits.socketName)
        let written: [(path: String, texts: [String?])] = [
            ("\(unitFolder)/\(ServiceUnits.serviceName)", [wanted?.service, found.serviceText]),
            ("\(unitFolder)/\(ServiceUnits.socketName)", [wanted?.socket, found.socketText]),
            (settings, [ServicePlan.settingsText]),
        ]
        for (path, texts) in written {
            do throws(FileFault) {
                found.leftovers += try PlainFile.leftovers(of: path) { ServicePlan.isBeginning($0, of: texts) }
            } catch {
                throw ServiceError("what lies beside \(path): \(error.why)")
            }
        }
        if let manager {
            (found.service, found.socket) = try manager.states()
            found.otherUnits = ServicePlaces.others(
                [(found.service, ServiceUnits.serviceName), (found.socket, ServiceUnits.socketName)],
                unitFolder
            )
            found.lostUnits = ServicePlaces.lost(
                [
                    (found.service, ServiceUnits.serviceName, found.serviceText),
                    (found.socket, ServiceUnits.socketName, found.socketText),
                ],
                unitFolder
            )
            found.isOutdated = found.service?.mainPID.map(ServicePlaces.isOutdated) ?? false
        }
        found.hasData = data(found).map { ServicePlaces.isThere($0) } ?? false
        found.dropIns = dropIns([found.service, found.socket])
        return found
    }

    /// Those in the user's folder of units, and those that the manager has from anywhere.
    private func dropIns(_ states: [UnitState?]) -> [DropIn] {
        var found: [DropIn] = []
        for name in [ServiceUnits.serviceName, ServiceUnits.socketName] {
            let folder = "\(unitFolder)/\(name).d"
            do throws(FileFault) {
                for name in try PlainFile.names(in: folder) ?? [] where name.hasSuffix(".conf") {
                    found.append(ServicePlaces.dropIn("\(folder)/\(name)"))
                }
            } catch { found.append(DropIn(path: folder, text: nil)) }
        }
        for path in states.flatMap({ DropIn.paths($0?["DropInPaths"] ?? "") })
        where !found.contains(where: { $0.path == path }) {
            found.append(ServicePlaces.dropIn(path))
        }
        return found
    }

    /// With what it says, also through a link; one that leads to /dev/null says nothing (systemd.unit(5)).
    ///
    /// A name that is no path is one that systemctl could not print.
    static func dropIn(_ path: String) -> DropIn {
        guard path.hasPrefix("/"), let place = realpath(path, nil) else { return DropIn(path: path, text: nil) }
        defer { free(place) }
        let resolved = String(cString: place)
        if resolved == "/dev/null" { return DropIn(path: path, text: "") }
        do throws(FileFault) {
            let bytes = try PlainFile.read(resolved, limit: 1 << 20)
            return DropIn(path: path, text: bytes.map { String(decoding: $0, as: UTF8.self) })
        } catch { return DropIn(path: path, text: nil) }
    }

    /// Files that the manager has read, and that do not lie in a folder.
    static func others(_ units: [(state: UnitState?, name: String)], _ folder: String) -> [String] {
        var others: [String] = []
        for (state, name) in units {
            guard let path = state?["FragmentPath"], !path.isEmpty, !isSame(path, name, folder) else { continue }
            others.append(path)
        }
        return others
    }

    /// Units that the manager has read from a folder, and of which no file is there.
    static func lost(_ units: [(state: UnitState?, name: String, text: String?)], _ folder: String) -> [String] {
        units.filter { unit in
            guard unit.text == nil, let path = unit.state?["FragmentPath"] else { return false }
            return isSame(path, unit.name, folder)
        }.map(\.name)
    }

    /// Whether a path is that of a name in a folder, however that is written.
    ///
    /// By the folder: the file may be gone.
    private static func isSame(_ path: String, _ name: String, _ folder: String) -> Bool {
        guard path != "\(folder)/\(name)" else { return true }
        var (own, other) = (stat(), stat())
        guard path.hasSuffix("/\(name)"), stat(folder, &own) == 0,
            stat(String(path.dropLast(name.utf8.count)), &other) == 0
        else { return false }
        return own.st_dev == other.st_dev && own.st_ino == other.st_ino
    }

    /// Where an installed service keeps data and records that is to be one of another folder; nil where nothing is left behind.
    static func otherState(_ found: FoundService, _ places: ServicePlaces) -> String? {
        guard let text = found.serviceText, ServiceUnits.isOurs(text), let old = ServiceUnits.stateFolder(in: text),
            !SameBytes.are(old, places.stateFolder)
        else { return nil }
        return isThere("\(old)/serve") || isThere("\(old)/evidence") ? old : nil
    }

    /// Anything of that name, a link that leads nowhere too.
    static func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// The folder of the server's data, as the installed unit says it; nil where the manager has another unit, whose text nobody reads.
    ///
    /// That of the package has the usual one.
    func data(_ found: FoundService) -> String? {
        guard let acting = ServicePlaces.acting(found) else {
            return found.serviceText.flatMap { ServiceUnits.dataFolder(in: $0) } ?? "\(stateFolder)/serve"
        }
        return ServiceUnits.isPackaged(acting) ? "\(stateFolder)/serve" : nil
    }

    /// The manager's unit of the service where that is not the file in the user's folder of units.
    static func acting(_ found: FoundService) -> String? {
        found.otherUnits.first { $0 == found.service?["FragmentPath"] }
    }

    /// That what is in the user's folder of units does not act; nil where it does, and where nothing is there.
    func unheeded(_ found: FoundService) -> String? {
        guard
            let other = found.otherUnits.first(where: { path in
                !ServiceUnits.isPackaged(path) || found.serviceText != nil || found.socketText != nil
            })
        else { return nil }
        return "the service manager has \(other), not what is in \(unitFolder), which does not act"
            + (ServiceUnits.isPackaged(other)
                ? "; systemctl --user daemon-reload, or call it with the XDG_CONFIG_HOME and HOME of the manager"
                : "; call it with the XDG_CONFIG_HOME and HOME of the manager (systemctl --user show-environment)")
    }

    /// Nil where no file is; what is no regular file is nobody's to replace.
    private func unit(_ name: String) throws(ServiceError) -> String? {
        let path = "\(unitFolder)/\(name)"
        let bytes: [UInt8]?
        do throws(FileFault) {
            bytes = try PlainFile.read(path, limit: 1 << 20)
        } catch { throw ServiceError("\(path): \(error.why); move it away") }
        return bytes.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether a server runs that is another file than this program: the one before an upgrade.
    private static func isOutdated(_ pid: Int32) -> Bool {
        var (own, other) = (stat(), stat())
        guard stat("/proc/self/exe", &own) == 0, stat("/proc/\(pid)/exe", &other) == 0 else { return false }
        return own.st_dev != other.st_dev || own.st_ino != other.st_ino
    }
}
