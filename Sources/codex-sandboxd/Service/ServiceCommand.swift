import Glibc
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
            Output.say(error.text)
            return 1
        }
    }

    // MARK: - Install and uninstall

    private static func install(_ options: ServiceOptions) throws(ServiceError) -> Int32 {
        let places = try ServicePlaces(stateDirectory: options.stateDirectory)
        let units = try ServiceChoice.units(options, places)
        let (manager, problem) = try reach(options)
        let found = try places.found(manager)
        let steps: [ServiceStep]
        do throws(ServicePlanError) {
            steps = try ServicePlan.install(units, folder: places.unitFolder, settings: places.settings, found: found)
        } catch { throw ServiceError(error.words) }
        var notes = ["settings: \(places.settings)", "data: \(places.stateFolder)/serve"]
        if !UserManager.isLingering {
            notes.append(
                "without lingering the service ends with your last session, and does not start at boot: loginctl enable-linger"
            )
        }
        return try finish(steps, options, manager, problem, notes)
    }

    private static func uninstall(_ options: ServiceOptions) throws(ServiceError) -> Int32 {
        let places = try ServicePlaces(stateDirectory: options.stateDirectory)
        let (manager, problem) = try reach(options)
        var found = try places.found(manager)
        let state: String?
        do throws(ServicePlanError) {
            state = try InstalledState.folder(
                unit: found.serviceText,
                folder: places.stateFolder,
                isNamed: options.stateDirectory != nil
            )
        } catch { throw ServiceError(error.words) }
        let data = state.map { "\($0)/serve" }
        found.hasData = data.map { ServicePlaces.isThere($0) } ?? false
        if options.purge { try checkPurge(data, found) }
        let steps: [ServiceStep]
        do throws(ServicePlanError) {
            steps = try ServicePlan.uninstall(
                folder: places.unitFolder,
                settings: places.settings,
                purging: options.purge ? data : nil,
                found: found
            )
        } catch { throw ServiceError(error.words) }
        let notes = ServiceNotes(places: places, found: found, state: state, isPurge: options.purge).ofUninstall
        return try finish(steps, options, manager, problem, notes)
    }

    /// Before anything is done: what is not known to be ours stays, and so does everything else.
    private static func checkPurge(_ data: String?, _ found: FoundService) throws(ServiceError) {
        if let text = found.serviceText, !ServiceUnits.isOurs(text) { return }
        guard let data else {
            throw ServiceError(
                "the unit \(ServiceUnits.serviceName) does not say where the data lies in the way of service install, so --purge removes "
                    + "nothing and nothing was changed; name the folder with --state-dir"
            )
        }
        if found.hasData { try RecognisedData.check(data) }
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
        _ notes: [String]
    ) throws(ServiceError) -> Int32 {
        if let manager, !options.dryRun {
            for step in steps { try ServiceDoing.carryOut(step, manager) }
        }
        let status: Int32
        if options.json {
            var object = JSONObject([
                ("dryRun", .bool(options.dryRun)), ("changed", .bool(!steps.isEmpty && !options.dryRun)),
                ("steps", .array(steps.map { .string($0.words) })), ("notes", .array(notes.map { .string($0) })),
            ])
            object.add("problem", ifPresent: problem.map { .string($0) })
            status = Output.write(JSONValue.object(object).canonical.text + "\n")
        } else {
            var lines = steps.map { options.dryRun ? "would \($0.words)" : "done: \($0.words)" }
            if steps.isEmpty { lines.append("nothing changed: everything is as it should be") }
            if options.dryRun { lines += ServiceDoing.texts(steps) }
            status = Output.write((lines + notes).map { $0 + "\n" }.joined())
        }
        if let problem { Output.say(problem) }
        return problem == nil ? status : 1
    }
}
