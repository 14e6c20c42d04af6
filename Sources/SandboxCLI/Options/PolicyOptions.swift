public import SandboxPlan

/// What `policy` was asked to do.
public enum PolicyOptions: Hashable, Sendable {
    case list
    case show(PolicySource)
    /// A policy by its name or its file; a word that can be neither name is a file.
    case check(PolicySource)
    /// Approve a project's file.
    case trust(Trust)
    /// Take an approval back.
    case untrust(Trust)
    /// Every approval; of the options only where they are kept, and the policy that a launch would have.
    case trusted(Trust)

    /// What concerns approvals.
    public struct Trust: Hashable, Sendable {
        /// The project's folder, or the file in it.
        public var place: OSString = "."
        /// What the file would widen; nil: as `run` chooses.
        public var policy: PolicySource?
        /// Whether there is nothing to be asked.
        public var isAgreed = false
        public var stateDirectory: OSString?

        public init() {}
    }

    /// As typed; which action they go with is looked at when all are known.
    struct Typed: Sendable {
        var trust = Trust()
        var list = false
        /// The options that were given, in order.
        var given: [String] = []
    }

    static let table: [Option<Typed>] = [
        .flag("--yes", "Approves without asking (trust).") {
            $0.trust.isAgreed = true
            $0.given.append("--yes")
        },
        .flag("--list", "Lists what is approved (trust).") {
            $0.list = true
            $0.given.append("--list")
        },
        .single(
            "--policy",
            .policy,
            "What the project's file is measured by (trust).",
            default: "workspace-write",
            parse: PolicySource.parse,
            set: {
                $0.trust.policy = $1
                $0.given.append("--policy")
            }
        ),
        .stateDirectory {
            $0.trust.stateDirectory = $1
            $0.given.append("--state-dir")
        },
    ]
    static let actions = ["list", "show", "check", "trust", "untrust"]

    /// Reads what follows `policy`; nil when help is asked for.
    static func parse(_ arguments: ArraySlice<OSString>) throws(UsageError) -> PolicyOptions? {
        var typed = Typed()
        let parser = OptionParser(command: .policy, options: { table })
        guard case .words(let words) = try parser.parse(arguments, plainWord: .isCollected, into: &typed) else {
            return nil
        }
        guard let action = words.first else {
            throw failure(.missingArgument("list, show, check, trust or untrust"))
        }
        let fitting: [String] =
            switch action {
            case "trust": typed.list ? ["--list", "--policy", "--state-dir"] : ["--yes", "--policy", "--state-dir"]
            case "untrust": ["--state-dir"]
            default: []
            }
        if let option = typed.given.first(where: { !fitting.contains($0) }),
            actions.contains(where: { action == OSString($0) })
        {
            let beside = typed.list && action == "trust" ? "policy trust --list" : "policy \(action)"
            throw failure(.conflict("\(option) says nothing to \(beside). Leave it out."))
        }
        switch action {
        case "trust", "untrust":
            if words.count > 2 { throw failure(.unexpectedArgument(words[2])) }
            if words.count == 2 {
                if typed.list { throw failure(.unexpectedArgument(words[1])) }
                do throws(BadValue) {
                    typed.trust.place = try OptionValue.path(words[1])
                } catch {
                    throw failure(.badArgument(words[1], why: error.why))
                }
            }
            if action == "untrust" { return .untrust(typed.trust) }
            return typed.list ? .trusted(typed.trust) : .trust(typed.trust)
        case "list":
            if words.count > 1 { throw failure(.unexpectedArgument(words[1])) }
            return .list
        case "show":
            let word = try operand(of: words, placeholder: "NAME or FILE")
            do throws(BadValue) {
                return .show(try PolicySource.parse(word))
            } catch {
                throw failure(.badArgument(word, why: error.why))
            }
        case "check":
            let word = try operand(of: words, placeholder: "NAME or FILE")
            do throws(BadValue) {
                let path = try OptionValue.path(word)
                return .check(PolicySource(path) ?? .file(path))
            } catch {
                throw failure(.badArgument(word, why: error.why))
            }
        default:
            throw failure(.unknownCommand(action, nearest: Nearest.word(to: action, among: actions)))
        }
    }

    private static func operand(of words: [OSString], placeholder: String) throws(UsageError) -> OSString {
        guard words.count > 1 else { throw failure(.missingArgument(placeholder)) }
        guard words.count == 2 else { throw failure(.unexpectedArgument(words[2])) }
        return words[1]
    }

    private static func failure(_ problem: UsageError.Problem) -> UsageError {
        UsageError(problem, command: .policy)
    }
}
