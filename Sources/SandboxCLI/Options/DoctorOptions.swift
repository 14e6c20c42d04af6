public import SandboxPlan

/// What `doctor` was asked to show.
public struct DoctorOptions: Hashable, Sendable {
    public var json = false
    public var stateDirectory: OSString?

    public init() {}

    static let table: [Option<DoctorOptions>] = [
        .json { $0.json = true },
        .stateDirectory { $0.stateDirectory = $1 },
    ]

    /// Reads what follows `doctor`; nil when help is asked for.
    static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> DoctorOptions? {
        var options = DoctorOptions()
        let parser = OptionParser(command: .doctor, options: { table })
        switch try parser.parse(arguments, plainWord: .isCollected, into: &options) {
        case .help:
            return nil
        case .words(let words):
            if let word = words.first { throw UsageError(.unexpectedArgument(word), command: .doctor) }
            return options
        }
    }
}
