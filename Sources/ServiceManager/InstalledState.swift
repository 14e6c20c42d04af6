/// Where records and data of a service lie that is to go: by what `service install` has written, else by who calls.
public enum InstalledState {
    /// - Parameters:
    ///   - found: what there is.
    ///   - units: the user's folder of units.
    ///   - folder: what the caller means: `--state-dir`, else the usual folder. Absolute.
    ///   - isNamed: whether it was `--state-dir`.
    ///   - isPurge: what lies there is to be removed. That is done in no folder but one that a unit or the caller names: in the usual
    ///     one may be the data of a server that somebody has started by hand.
    /// - Returns: the folder of the records; nil where the unit does not say it, and nobody else does.
    /// - Throws: `.foreign` and `.otherUnit` for units that are not ours to remove, `.otherState` where the unit names another folder
    ///   than `--state-dir`, `.unknownState` where nobody names one, `.overruled` where a drop-in may.
    public static func folder(
        of found: FoundService,
        units: String,
        folder: String,
        isNamed: Bool,
        isPurge: Bool
    ) throws(ServicePlanError) -> String? {
        try ServicePlan.check(found, units)
        try checkOthers(found, units)
        guard let unit = found.serviceText else {
            if isPurge, !isNamed { throw .unknownState(folder: units) }
            return folder
        }
        // What runs is the package's, by whose text nobody asks: either the manager has not read ours, or never will.
        if isPurge, !isNamed,
            let other = found.otherUnits.first(where: { $0.hasSuffix("/\(ServiceUnits.serviceName)") })
        {
            throw .otherUnit(manager: other, folder: units)
        }
        let overruling = found.dropIns.first { $0.mayStartAnother }
        if isPurge, !isNamed, let overruling { throw .overruled(by: overruling.path) }
        guard let installed = ServiceUnits.stateFolder(in: unit) else { return isNamed ? folder : nil }
        // Whoever has a drop-in says what that says.
        if isNamed, overruling != nil { return folder }
        if isNamed, !SameBytes.are(installed, folder) { throw .otherState(unit: installed, named: folder) }
        return installed
    }

    /// - Throws: `.otherUnit` where the manager has a unit that is neither of the user's folder nor of the package.
    static func checkOthers(_ found: FoundService, _ units: String) throws(ServicePlanError) {
        if let other = found.otherUnits.first(where: { !ServiceUnits.isPackaged($0) }) {
            throw .otherUnit(manager: other, folder: units)
        }
    }

    /// Whether a purge of a named folder has nothing to do with the service that there is.
    ///
    /// That is the package's, at work or to be, and there is none of ours: its settings do not go with one's own server's data.
    public static func isDataOnly(_ found: FoundService, isNamed: Bool, isPurge: Bool) -> Bool {
        isPurge && isNamed && found.serviceText == nil
            && [found.service, found.socket].contains { state in
                guard let state, ServiceUnits.isPackaged(state["FragmentPath"] ?? "") else { return false }
                return state.isEnabled || !isAtRest(state)
            }
    }

    /// Whether a purge was ended between its last unit and the manager's word of that.
    ///
    /// There is neither unit nor settings nor data, and the manager has a unit without a file, which is at rest, and none of anybody
    /// else's: the rest is to tell the manager.
    public static func isRest(_ found: FoundService, isPurge: Bool) -> Bool {
        isPurge && !found.lostUnits.isEmpty && found.otherUnits.isEmpty && found.serviceText == nil
            && found.socketText == nil && !found.hasSettings && !found.hasData
            && [found.service, found.socket].allSatisfy { $0.map(isAtRest) ?? true }
    }

    private static func isAtRest(_ state: UnitState) -> Bool {
        ["inactive", "failed", nil].contains(state["ActiveState"]) && state.mainPID == nil
    }

    /// Of a purge with `--state-dir`: settings and units go with data, not with a wrong name.
    ///
    /// Where the unit names the same folder, the name is right: its server has never run, or a purge was interrupted behind the data.
    ///
    /// - Throws: `.nothingThere` where there is no data.
    public static func checkNamed(_ found: FoundService, folder: String) throws(ServicePlanError) {
        let isUnits =
            SameBytes.are(found.serviceText.flatMap { ServiceUnits.stateFolder(in: $0) }, folder)
            && !found.dropIns.contains { $0.mayStartAnother }
        guard found.hasData || isUnits else { throw .nothingThere(folder: folder) }
    }

    /// The folder that the unit names, where another one is meant: what lies there stays.
    public static func passedOver(_ found: FoundService, folder: String) -> String? {
        guard let installed = found.serviceText.flatMap({ ServiceUnits.stateFolder(in: $0) }) else { return nil }
        return SameBytes.are(installed, folder) ? nil : installed
    }
}
