/// Where a setting's value comes from: a flag beats the environment, which beats the file `.env`.
public struct SettingSources: Sendable {
    public typealias Lookup = @Sendable (_ name: String) -> String?

    private let lookups: [Lookup]

    public init(flags: @escaping Lookup, environment: @escaping Lookup, dotEnv: @escaping Lookup) {
        lookups = [flags, environment, dotEnv]
    }

    /// The value of the first source that has one; an empty value is a value.
    public func value(_ name: String) -> String? {
        for lookup in lookups {
            if let value = lookup(name) { return value }
        }
        return nil
    }
}
