internal import SandboxPlan

/// One row of a command's table: the option, and what its value does to the command's options.
struct Option<Options>: Sendable {
    let info: OptionInfo
    /// Called once for each time the option is given; with an empty word for an option without a value.
    let read: @Sendable (OSString, inout Options) throws(BadValue) -> Void

    /// An option that is there or not.
    static func flag(
        _ name: String,
        _ summary: String,
        set: @escaping @Sendable (inout Options) -> Void
    ) -> Option {
        Option(info: OptionInfo(name: name, value: nil, summary: summary)) { (_, options) throws(BadValue) in
            set(&options)
        }
    }

    /// An option with a value, given once at most.
    static func single<Value>(
        _ name: String,
        _ kind: ValueKind,
        _ summary: String,
        default defaultValue: String = "",
        parse: @escaping @Sendable (OSString) throws(BadValue) -> Value,
        set: @escaping @Sendable (inout Options, Value) -> Void
    ) -> Option {
        let info = OptionInfo(name: name, value: kind, summary: summary, defaultValue: defaultValue)
        return Option(info: info) { (word, options) throws(BadValue) in
            set(&options, try parse(word))
        }
    }

    /// An option with a value that may be given again and again; the order is kept.
    static func repeated<Value>(
        _ name: String,
        _ kind: ValueKind,
        _ summary: String,
        parse: @escaping @Sendable (OSString) throws(BadValue) -> Value,
        add: @escaping @Sendable (inout Options, Value) -> Void
    ) -> Option {
        let info = OptionInfo(name: name, value: kind, isRepeatable: true, summary: summary)
        return Option(info: info) { (word, options) throws(BadValue) in
            add(&options, try parse(word))
        }
    }
}

/// Why a value is none; the parser adds the option and the value.
struct BadValue: Error, Hashable {
    /// A sentence that goes on after `--memory 4X: `.
    let why: String
}
