/// Where a setting's value comes from: a flag beats the environment, which beats the file `.env`.
public struct SettingSources: Sendable {
    public typealias Lookup = @Sendable (_ name: String) -> String?

    private let lookups: [Lookup]

    public init(flags: @escaping Lookup, environment: @escaping Lookup, dotEnv: @escaping Lookup) {
        lookups = [flags, environment, dotEnv]
    }

    /// Which source says it, 0 for the one that beats the others; nil where none does.
    func rank(_ name: String) -> Int? { lookups.firstIndex { $0(name) != nil } }

    /// Whether a setting says something that has no effect by what another one says: `STOP_TIME` where jobs are ended at once.
    ///
    /// It is no fault where a stronger source has taken the effect away: a flag for one start, over what a file says.
    ///
    /// - Parameter stopJobs: what came out.
    /// - Returns: true where `STOP_TIME` is said for nothing.
    public func hasIdleStopTime(_ stopJobs: APISettings.StopJobs) -> Bool {
        guard stopJobs == .end, let time = rank(SettingName.stopTime.rawValue) else { return false }
        guard let jobs = rank(SettingName.stopJobs.rawValue) else { return true }
        return jobs >= time
    }

    /// The value of the first source that has one; an empty value is a value.
    public func value(_ name: String) -> String? {
        for lookup in lookups {
            if let value = lookup(name) { return value }
        }
        return nil
    }
}
