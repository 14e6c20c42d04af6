/// Where records and data of a service lie that is to go: by what `service install` has written, else by who calls.
public enum InstalledState {
    /// - Parameters:
    ///   - unit: the text of the unit that is there; nil where none is. Somebody else's counts as none.
    ///   - folder: what the caller means: `--state-dir`, else the usual folder. Absolute.
    ///   - isNamed: whether it was `--state-dir`.
    /// - Returns: the folder of the records; nil where the unit does not say it, and nobody else does.
    /// - Throws: `.otherState` where the unit names another folder than `--state-dir`.
    public static func folder(unit: String?, folder: String, isNamed: Bool) throws(ServicePlanError) -> String? {
        guard let unit, ServiceUnits.isOurs(unit) else { return folder }
        guard let installed = ServiceUnits.stateFolder(in: unit) else { return isNamed ? folder : nil }
        if isNamed, installed != folder { throw .otherState(unit: installed, named: folder) }
        return installed
    }
}
