import Glibc
import SandboxAPI
import SandboxCLI
import SandboxPlan
import SandboxRuntime
import ServiceManager
import WebTransport
import WorkspaceStore
import Workspaces

/// `service`: finds out what there is, decides what is to be done, then does it.
enum ServiceCommand {
    static func run(_ arguments: [OSString]) -> Int32 {
        do throws(UsageError) {
            guard let options = try ServiceOptions.parse(arguments[...]) else {
                return Output.write(HelpText.text(.service))
            }
            try ServiceChoice.checkListens(options)
            return run(options)
        } catch {
            return Output.misunderstood(error)
        }
    }

    private static func run(_ options: ServiceOptions) -> Int32 {
        do throws(ServiceError) {
            // Root's own manager is a user's as well, and the server would open what jobs have made with root's rights.
            guard geteuid() != 0 else {
                throw ServiceError(
                    "service does not work for root: call it as the account whose projects these are to be"
                )
            }
            switch options.action {
            case .install: return try install(options)
            case .uninstall: return try uninstall(options)
            case .status: return try ServiceStatus.show(options)
            case .logs: return try ServiceLogs.show(options)
            }
        } catch {
            Output.say(Shown.text(error.text))
            return 1
        }
    }

    // MARK: - Install and uninstall

    private static func install(_ options: ServiceOptions) throws(ServiceError) -> Int32 {
        let places = try ServicePlaces(stateDirectory: options.stateDirectory)
        let units = try ServiceChoice.units(options, places)
        let (manager, problem) = try reach(options)
        var found = try places.found(manager, wanted: units)
        if let pid = found.service?.mainPID {
            // The text is as it is wanted, and who wrote it may have been ended before the server was started by it.
            let unit = "\(places.unitFolder)/\(ServiceUnits.serviceName)"
            found.isBehind = ProcessStart.isBehind(pid, readFiles(unit, units, found))
        }
        let steps: [ServiceStep]
        do throws(ServicePlanError) {
            steps = try ServicePlan.install(units, folder: places.unitFolder, settings: places.settings, found: found)
        } catch { throw ServiceError(error.words) }
        var notes = ["settings: \(places.settings)", "data: \(places.stateFolder)/serve"]
        if let old = ServicePlaces.otherState(found, places) {
            let option = old == places.usualStateFolder ? "" : " --state-dir \(Shown.shellWord(OSString(old)))"
            notes.append(
                "the service had its data in \(old)/serve/ and its records in \(old)/evidence/: they stay there, and are not taken over; "
                    + "`codex-sandbox service install\(option)` goes back to them"
            )
        }
        if !UserManager.isLingering {
            notes.append(
                "without lingering the service ends with your last session, and does not start at boot: loginctl enable-linger"
            )
        }
        return try finish(steps, options, manager, problem, notes, stays: [], purge: nil)
    }

    /// What the manager and the server have read when that began.
    ///
    /// Drop-ins too: whoever has changed one may have made the manager read it, and no more. What systemctl does not print is no path.
    static func readFiles(_ unit: String, _ units: ServiceUnits, _ found: FoundService) -> [String] {
        [unit] + units.files + found.dropIns.map(\.path).filter { $0.hasPrefix("/") }
    }

    private static func uninstall(_ options: ServiceOptions) throws(ServiceError) -> Int32 {
        let places = try ServicePlaces(stateDirectory: options.stateDirectory)
        let (manager, problem) = try reach(options)
        var found = try places.found(manager, wanted: ServiceChoice.usual(places))
        let isNamed = options.stateDirectory != nil
        if InstalledState.isRest(found, isPurge: options.purge) {
            return try endPurge(options, places, manager, problem, found)
        }
        let state: String?
        do throws(ServicePlanError) {
            state = try InstalledState.folder(
                of: found,
                units: places.unitFolder,
                folder: places.stateFolder,
                isNamed: isNamed,
                isPurge: options.purge
            )
        } catch { throw ServiceError(error.words) }
        let data = state.map { "\($0)/serve" }
        found.hasData = data.map { ServicePlaces.isThere($0) } ?? false
        let other = state.flatMap { InstalledState.passedOver(found, folder: $0) }
            .flatMap { ServicePlaces.isThere("\($0)/serve") ? $0 : nil }
        if options.purge, isNamed {
            do throws(ServicePlanError) {
                try InstalledState.checkNamed(found, folder: places.stateFolder)
            } catch { throw ServiceError(error.words) }
        }
        let isDataOnly = InstalledState.isDataOnly(found, isNamed: isNamed, isPurge: options.purge)
        var elsewhere: [(name: SettingName, value: String)] = []
        var foreign: [OSString] = []
        if options.purge {
            let data = try purged(data)
            // Settings of another service say nothing of this data.
            if !isDataOnly { elsewhere = try RecognisedData.elsewhere(data, settings: places.settings) }
            if found.hasData {
                foreign = try RecognisedData.check(data, elsewhere: elsewhere, settings: places.settings)
            }
        }
        found.hasForeignData = !foreign.isEmpty
        let steps: [ServiceStep]
        do throws(ServicePlanError) {
            steps = try ServicePlan.uninstall(
                folder: places.unitFolder,
                settings: places.settings,
                purging: options.purge ? data : nil,
                isDataOnly: isDataOnly,
                found: found
            )
        } catch { throw ServiceError(error.words) }
        var notes = ServiceNotes(places: places, found: found, state: state, isPurge: options.purge, other: other)
            .ofUninstall
        if isDataOnly { notes.append(ServiceNotes.ofOtherService(places.settings)) }
        notes += elsewhere.map { ServiceNotes.elsewhere($0.name, $0.value) }
        let command = state.map(ServiceNotes.purge)
        let status = try finish(steps, options, manager, problem, notes, stays: foreign, purge: command)
        return elsewhere.isEmpty ? status : 1
    }

    /// What a purge had yet to do that was ended behind the last of its files.
    private static func endPurge(
        _ options: ServiceOptions,
        _ places: ServicePlaces,
        _ manager: UserManager?,
        _ problem: String?,
        _ found: FoundService
    ) throws(ServiceError) -> Int32 {
        let steps: [ServiceStep]
        do throws(ServicePlanError) {
            steps = try ServicePlan.uninstall(
                folder: places.unitFolder,
                settings: places.settings,
                purging: nil,
                found: found
            )
        } catch { throw ServiceError(error.words) }
        return try finish(steps, options, manager, problem, [ServiceNotes.restOfPurge], stays: [], purge: nil)
    }

    /// The folder that is to be purged.
    private static func purged(_ data: String?) throws(ServiceError) -> String {
        if let data { return data }
        throw ServiceError(
            "the unit \(ServiceUnits.serviceName) does not say where the data lies in the way of service install, so --purge removes "
                + "nothing and nothing was changed; name the folder with --state-dir"
        )
    }

    /// The manager; nil, with the reason, where nothing is to be done with it.
    private static func reach(
        _ options: ServiceOptions
    ) throws(ServiceError) -> (manager: UserManager?, problem: String?) {
        do throws(ServiceError) {
            let manager = try UserManager()
            _ = try manager.states()
            return (manager, nil)
        } catch {
            guard options.dryRun else { throw error }
            return (nil, error.text)
        }
    }

    private static func finish(
        _ steps: [ServiceStep],
        _ options: ServiceOptions,
        _ manager: UserManager?,
        _ problem: String?,
        _ notes: [String],
        stays found: [OSString],
        purge command: String?
    ) throws(ServiceError) -> Int32 {
        var stays = found
        if let manager, !options.dryRun {
            stays = []
            do throws(ServiceError) {
                for step in steps { stays += try ServiceDoing.carryOut(step, manager) }
            } catch {
                // The unit that says the folder may be gone with what was done before.
                throw command.map { ServiceError("\(error.text); where no unit is left, the data goes with `\($0)`") }
                    ?? error
            }
        }
        let notes = notes + ServiceNotes.staying(stays, purge: command)
        let status: Int32
        if options.json {
            var object = JSONObject([
                ("dryRun", .bool(options.dryRun)), ("changed", .bool(!steps.isEmpty && !options.dryRun)),
                ("steps", .array(steps.map { .string($0.words) })), ("notes", .array(notes.map { .string($0) })),
            ])
            object.add("problem", ifPresent: problem.map { .string($0) })
            status = Output.write(JSONValue.object(object).canonical.text + "\n")
        } else {
            var lines = steps.map { (options.dryRun ? "would " : "done: ") + Shown.text($0.words) }
            if steps.isEmpty { lines.append("nothing changed: everything is as it should be") }
            if options.dryRun { lines += ServiceDoing.texts(steps) }
            status = Output.write((lines + notes.map(Shown.text)).map { $0 + "\n" }.joined())
        }
        if let problem { Output.say(problem) }
        return problem == nil && stays.isEmpty ? status : 1
    }
}
