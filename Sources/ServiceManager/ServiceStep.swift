/// One thing that `service` does to this machine.
public enum ServiceStep: Hashable, Sendable {
    case makeFolder(String)
    /// With its mode; whatever regular file stands there is replaced at once.
    case writeFile(String, text: String, mode: UInt32)
    /// With its mode; whatever stands there stays, and is a failure.
    case addFile(String, text: String, mode: UInt32)
    case removeFile(String)
    /// A unit of ours: if it is another's by then, it stays, and that is a failure.
    case removeUnit(String)
    /// What a call that was killed has left, if it is still the same.
    case removeLeftover(Leftover)
    /// The folder of a server's data; what no server has made stays in it.
    case removeData(String, isWhole: Bool)
    /// `systemctl --user` with these words.
    case manager([String])
    /// The manager reads the units anew, and then has to have those of a folder; nil for any.
    case reload(checking: String?)

    /// What is done, as a sentence without a subject.
    public var words: String {
        switch self {
        case .makeFolder(let path): "make \(path)/"
        case .writeFile(let path, _, _), .addFile(let path, _, _): "write \(path)"
        case .removeFile(let path), .removeUnit(let path): "remove \(path)"
        case .removeLeftover(let file): "remove \(file.path)"
        case .removeData(let path, isWhole: true): "remove \(path)/ and everything in it"
        case .removeData(let path, isWhole: false): "remove what a server has made in \(path)/"
        case .manager(let words): "run systemctl --user \(words.joined(separator: " "))"
        case .reload: "run systemctl --user daemon-reload"
        }
    }
}

/// A file that a call that was killed has not written to its end.
public struct Leftover: Hashable, Sendable {
    public var path: String
    public var bytes: [UInt8]

    public init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}

/// What there is before something is done.
public struct FoundService: Hashable, Sendable {
    /// Of the user's folder of units; nil for a file that is not there.
    public var serviceText: String?
    public var socketText: String?
    public var hasUnitFolder = false
    public var hasSettings = false
    /// What a call that was killed has not written to its end.
    public var leftovers: [Leftover] = []
    public var hasData = false
    /// In the folder of the data is something that no server has made.
    public var hasForeignData = false
    /// Nil where the manager does not know the unit.
    public var service: UnitState?
    public var socket: UnitState?
    /// Files that the manager has read for these names, and that are others than those in the user's folder of units.
    public var otherUnits: [String] = []
    /// Units that the manager has from the user's folder of units, where their files are no more.
    public var lostUnits: [String] = []
    /// Of both units.
    public var dropIns: [DropIn] = []
    /// The server that runs is not the program that is installed now.
    public var isOutdated = false
    /// The unit, or what the server reads at its start, was changed since that began.
    public var isBehind = false

    public init() {}
}

/// Why nothing is done.
public enum ServicePlanError: Error, Hashable, Sendable {
    /// A unit that `service install` has not written.
    case foreign(String)
    /// `--state-dir` of an uninstall names another folder than the installed unit.
    case otherState(unit: String, named: String)
    /// Data is to be removed, and neither a unit nor the caller says where it lies.
    case unknownState(folder: String)
    /// The manager has another file than the one in the user's folder of units.
    case otherUnit(manager: String, folder: String)
    /// A drop-in may say another folder than the unit.
    case overruled(by: String)
    /// In the folder that `--state-dir` of a purge names is no data.
    case nothingThere(folder: String)
    /// Read anew, the manager has another file than the one that was written, or, with nil, none.
    case unheeded(manager: String?, folder: String)

    public var words: String {
        switch self {
        case .foreign(let path):
            "\(path) was not written by service install; move it away, or keep it and use systemctl"
        case .otherState(let unit, let named):
            "the installed service keeps its records in \(unit), not in \(named); leave --state-dir out, and name \(named) once the "
                + "service is gone"
        case .unknownState(let folder):
            "no unit of service install in \(folder) says where the data lies, so --purge removes nothing and nothing was changed; name "
                + "it: codex-sandbox service uninstall --purge --state-dir DIR, or leave --purge out"
        case .otherUnit(let manager, let folder):
            "the service manager has \(manager), which is not what is in \(folder), so nothing was changed; call it with the "
                + "XDG_CONFIG_HOME and HOME of the manager (systemctl --user show-environment), or, where that unit is to go, use systemctl "
                + "--user disable --now and remove it yourself; for one of \(folder) that is not read yet: systemctl --user daemon-reload"
        case .overruled(let path):
            (path.hasPrefix("/") ? path : "a drop-in that systemctl shows as \(path)")
                + " says ExecStart=, EnvironmentFile=, DATABASE_URL or WORKSPACE_ROOT, or cannot be read, so the data may lie elsewhere than "
                + "the unit says: --purge removes nothing and nothing was changed; name the folder: codex-sandbox service uninstall "
                + "--purge --state-dir DIR, or leave --purge out"
        case .nothingThere(let folder):
            "there is no data in \(folder)/serve/, so --purge removes nothing and nothing was changed; name the folder in which serve/ "
                + "lies with --state-dir, or leave --purge out"
        case .unheeded(let manager, let folder):
            "the service manager has \(manager ?? "no such unit"), and not what was written to \(folder), which does not act; call it with "
                + "the XDG_CONFIG_HOME and HOME of the manager (systemctl --user show-environment), and remove the units in \(folder)"
        }
    }
}

/// What is to be done, from what is wanted and what there is.
public enum ServicePlan {
    private static let units = [ServiceUnits.socketName, ServiceUnits.serviceName]

    /// The file of settings as it is first written: nothing is set.
    public static let settingsText = """
        # Settings of codex-sandbox.service, NAME=VALUE; `codex-sandbox help serve` lists them. systemctl --user reload takes most of them.
        # WORKER=minimal
        # MAX_JOBS=4
        # LOG_LEVEL=info

        """

    /// Whether bytes are the beginning of one of the texts, or all of it: somebody's own copy with changes is neither.
    public static func isBeginning(_ bytes: [UInt8], of texts: [String?]) -> Bool {
        texts.contains { $0?.utf8.starts(with: bytes) == true }
    }

    /// - Parameters:
    ///   - wanted: the units' texts.
    ///   - folder: the user's folder of units.
    ///   - settings: the file of settings.
    ///   - found: what there is.
    /// - Returns: nothing where everything is as it is wanted.
    /// - Throws: `.foreign` for a unit that is somebody's own, `.otherUnit` where the manager has one of another folder than ours and the
    ///   package's: it would be ended, and started anew, in the name of one that it does not read.
    public static func install(
        _ wanted: ServiceUnits,
        folder: String,
        settings: String,
        found: FoundService
    ) throws(ServicePlanError) -> [ServiceStep] {
        try check(found, folder)
        try InstalledState.checkOthers(found, folder)
        var steps: [ServiceStep] = found.leftovers.map { .removeLeftover($0) }
        let isOtherService = !SameBytes.are(found.serviceText, wanted.service)
        let isOtherSocket = !SameBytes.are(found.socketText, wanted.socket)
        // Whoever wrote the text and was ended before the manager had read it has left this: the text alone is no sign that it acts.
        let (isServiceUnread, isSocketUnread) = (isUnread(found.service), isUnread(found.socket))
        if !found.hasUnitFolder { steps.append(.makeFolder(folder)) }
        if !found.hasSettings {
            steps.append(.makeFolder(parent(settings)))
            steps.append(.addFile(settings, text: settingsText, mode: 0o600))
        }
        if isOtherSocket {
            steps.append(.writeFile("\(folder)/\(ServiceUnits.socketName)", text: wanted.socket, mode: 0o644))
        }
        if isOtherService {
            steps.append(.writeFile("\(folder)/\(ServiceUnits.serviceName)", text: wanted.service, mode: 0o644))
        }
        let reload = ServiceStep.reload(checking: folder)
        // The package's, in whose place ours has to be before one is ended.
        let isPackaged = !found.otherUnits.isEmpty
        if isPackaged { steps.append(reload) }
        let listensAnew =
            isSocketUnread || UnitFile.directives(found.socketText ?? "") != UnitFile.directives(wanted.socket)
            || found.socket.map { $0.listensElsewhere(wanted.socket) } ?? false
        // A socket does not change its addresses while its service runs. Other words about it are no reason to turn a client away.
        // Before the manager reads the text: whoever is ended behind that leaves no socket with old addresses that looks like a new one.
        let isStopped = listensAnew && found.socket?.isActive == true
        if isStopped { steps.append(.manager(["stop"] + units)) }
        let states = [found.service, found.socket]
        if !isPackaged, isOtherService || isOtherSocket || isServiceUnread || isSocketUnread || isStopped {
            steps.append(reload)
        }
        if !states.allSatisfy({ $0?.isEnabled == true }) { steps.append(.manager(["enable"] + units)) }
        if states.contains(where: { $0?.isFailed == true }) { steps.append(.manager(["reset-failed"] + units)) }
        // Settings that are first written now are no older than the server at the next call either.
        let isOld =
            isOtherService || isServiceUnread || isPackaged || found.isOutdated || found.isBehind || !found.hasSettings
        let areActive = found.service?.isActive == true && found.socket?.isActive == true
        // In every state in which a server runs, but for one that ends anyway: a start leaves it as it is.
        let runs = areActive || found.service.map { $0.mainPID != nil && !$0.isStopping } ?? false
        if !isStopped, isOld, runs { steps.append(.manager(["restart", ServiceUnits.serviceName])) }
        if isStopped || !areActive { steps.append(.manager(["start"] + units)) }
        return steps
    }

    /// - Parameters:
    ///   - folder: the user's folder of units.
    ///   - settings: the file of settings.
    ///   - data: the folder of the server's data, to be removed too; nil keeps it and the settings.
    ///   - isDataOnly: the service that there is has nothing to do with the data: it and the settings stay (`InstalledState.isDataOnly`).
    ///   - found: what there is.
    /// - Returns: nothing where nothing is installed.
    /// - Throws: `.foreign` for a unit that is somebody's own.
    public static func uninstall(
        folder: String,
        settings: String,
        purging data: String?,
        isDataOnly: Bool = false,
        found: FoundService
    ) throws(ServicePlanError) -> [ServiceStep] {
        try check(found, folder)
        if isDataOnly {
            guard let data, found.hasData else { return [] }
            return [.removeData(data, isWhole: !found.hasForeignData)]
        }
        var steps: [ServiceStep] = found.leftovers.map { .removeLeftover($0) }
        // Also those of the package, which stay as files.
        let known = [(found.socket, ServiceUnits.socketName), (found.service, ServiceUnits.serviceName)]
            .contains { state, name in
                // One without a file cannot be disabled, and one that has failed has nothing to end.
                let hasFailed = state?.isFailed == true && !found.lostUnits.contains(name)
                return state.map { $0.isLoaded && ($0.isActive || $0.isEnabled || hasFailed) } ?? false
            }
        if known { steps.append(.manager(["disable", "--now"] + units)) }
        // Those alone, and while their files are there: the manager may forget a unit that is at rest, and then knows none of that name.
        let failed = [(found.socket, ServiceUnits.socketName), (found.service, ServiceUnits.serviceName)]
            .filter { $0.0?.isFailed == true }
        if !failed.isEmpty { steps.append(.manager(["reset-failed"] + failed.map(\.1))) }
        // Before the units, which say where the data lies: whoever is ended here finds the same folder once more.
        if let data {
            if found.hasData { steps.append(.removeData(data, isWhole: !found.hasForeignData)) }
            if found.hasSettings { steps.append(.removeFile(settings)) }
        }
        var isRemoved = false
        // The service last, for the same reason.
        for (text, name) in [
            (found.socketText, ServiceUnits.socketName), (found.serviceText, ServiceUnits.serviceName),
        ]
        where text != nil {
            steps.append(.removeUnit("\(folder)/\(name)"))
            isRemoved = true
        }
        // Whoever was ended before that has left units to the manager that are there no more.
        if isRemoved || !found.lostUnits.isEmpty || isUnread(found.service) || isUnread(found.socket) {
            steps.append(.reload(checking: nil))
        }
        return steps
    }

    /// The file is another one than the manager has read.
    private static func isUnread(_ state: UnitState?) -> Bool { state?["NeedDaemonReload"] == "yes" }

    static func check(_ found: FoundService, _ folder: String) throws(ServicePlanError) {
        for (text, name) in [
            (found.serviceText, ServiceUnits.serviceName), (found.socketText, ServiceUnits.socketName),
        ] {
            guard let text, !ServiceUnits.isOurs(text) else { continue }
            throw .foreign("\(folder)/\(name)")
        }
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "/"
    }
}
