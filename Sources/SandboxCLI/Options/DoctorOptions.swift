public import SandboxPlan

/// What `doctor` was asked to show.
public struct DoctorOptions: Hashable, Sendable {
    public var json = false
    /// Prints the AppArmor profile of this installation, and tries nothing.
    public var apparmorProfile = false
    public var stateDirectory: OSString?

    public init() {}

    static let table: [Option<DoctorOptions>] = [
        .json { $0.json = true },
        .stateDirectory { $0.stateDirectory = $1 },
        .flag(
            "--apparmor-profile",
            "Prints the AppArmor profile that allows user namespaces to these executables, and tries nothing.",
            set: { $0.apparmorProfile = true }
        ),
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
            if options.apparmorProfile, options.json || options.stateDirectory != nil {
                throw UsageError(.conflict("--apparmor-profile stands alone."), command: .doctor)
            }
            return options
        }
    }
}
