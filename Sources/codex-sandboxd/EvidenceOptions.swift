import SandboxPlan
import SandboxRuntime

/// The command line of `evidence`.
struct EvidenceOptions {
    enum Action: Equatable {
        case help
        /// Nil: the last one.
        case show(id: String?)
        case list
        case verify
    }

    struct Misunderstood: Error {
        var what: String
    }

    var action: Action
    var workspace: OSString?
    var stateFolder: OSString?
    var limit = 50
    var json = false
    /// A head that was remembered.
    var since: ChainCheckpoint?

    init(parsing arguments: [OSString]) throws(Misunderstood) {
        var rest = arguments[...]
        if arguments.contains("--help") || arguments.contains("-h") {
            action = .help
            return
        }
        switch rest.popFirst()?.description {
        case "show": action = .show(id: nil)
        case "list": action = .list
        case "verify": action = .verify
        case "help": action = .help
        case nil: throw Misunderstood(what: "evidence needs show, list or verify")
        case let other?: throw Misunderstood(what: "evidence has no command \(other)")
        }
        var isLast = false
        while let argument = rest.popFirst() {
            let (name, attached) = EvidenceOptions.split(argument)
            switch (name, action) {
            case ("--workspace", _): workspace = try EvidenceOptions.value(name, attached, &rest)
            case ("--state-dir", _): stateFolder = try EvidenceOptions.value(name, attached, &rest)
            case ("--limit", .list): limit = try EvidenceOptions.count(EvidenceOptions.value(name, attached, &rest))
            case ("--complete-since", .verify):
                since = try EvidenceOptions.checkpoint(EvidenceOptions.value(name, attached, &rest))
            case ("--json", _) where attached == nil: json = true
            case ("--last", .show(nil)) where attached == nil: isLast = true
            case (_, .show(nil)) where argument.bytes.first != UInt8(ascii: "-") && !isLast:
                action = .show(id: try EvidenceOptions.identifier(argument))
            default: throw Misunderstood(what: "cannot understand \(argument)")
            }
        }
    }

    /// `--name=value` in its two parts; a name that is not text is no option of ours.
    private static func split(_ argument: OSString) -> (name: String, value: OSString?) {
        let isLong = argument.bytes.starts(with: Array("--".utf8))
        guard isLong, let equals = argument.bytes.firstIndex(of: UInt8(ascii: "=")) else {
            return (argument.description, nil)
        }
        return (OSString(argument.bytes[..<equals]).description, OSString(argument.bytes[(equals + 1)...]))
    }

    private static func value(
        _ name: String,
        _ attached: OSString?,
        _ rest: inout ArraySlice<OSString>
    ) throws(Misunderstood) -> OSString {
        guard let value = attached ?? rest.popFirst(), !value.isEmpty else {
            throw Misunderstood(what: "\(name) needs a value")
        }
        return value
    }

    private static func count(_ text: OSString) throws(Misunderstood) -> Int {
        guard let count = Int(text.description), (1...1_000_000).contains(count) else {
            throw Misunderstood(what: "--limit needs a number from 1 to 1000000, not \(text)")
        }
        return count
    }

    private static func checkpoint(_ text: OSString) throws(Misunderstood) -> ChainCheckpoint {
        guard let checkpoint = ChainCheckpoint(parsing: text.description) else {
            throw Misunderstood(
                what: "--complete-since needs SEQUENCE:DIGEST, a number from 1 and 64 digits 0-9 and a-f, not \(text)"
            )
        }
        return checkpoint
    }

    private static func identifier(_ text: OSString) throws(Misunderstood) -> String {
        let isHexadecimal = text.bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
            default: false
            }
        }
        guard isHexadecimal, (1...32).contains(text.bytes.count) else {
            throw Misunderstood(what: "an id is up to 32 digits 0-9 and a-f, not \(text)")
        }
        return text.description
    }
}
