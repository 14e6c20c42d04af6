internal import SandboxPlan

/// Reads a command's arguments by its table.
///
/// `--name VALUE` and `--name=VALUE`; `--` ends the options. No abbreviations, so that a new option never changes what
/// an old command line means; no bundles of letters.
struct OptionParser<Options> {
    let command: CommandName
    /// Asked for only when there is an option: most launches have none, and the table is as long as all else they parse.
    let options: () -> [Option<Options>]

    enum Ending: Hashable {
        /// `--help` came up: nothing after it was read.
        case help
        /// The words that are not options, in order.
        case words([OSString])
    }

    /// What a word without dashes does.
    enum PlainWord {
        /// It and all that follows is somebody else's: nothing after it is parsed.
        case endsOptions
        case isCollected
    }

    func parse(
        _ arguments: ArraySlice<OSString>,
        plainWord: PlainWord,
        into result: inout Options
    ) throws(UsageError) -> Ending {
        var rest = arguments
        var seen: [String] = []
        var words: [OSString] = []
        while let word = rest.popFirst() {
            if word == "--" {
                words += rest
                break
            }
            guard OptionWord.isOption(word) else {
                words.append(word)
                if case .isCollected = plainWord { continue }
                words += rest
                break
            }
            let parts = OptionWord(word)
            if parts.name == "--help" || parts.name == "-h" {
                guard parts.value == nil else { throw failure(.unexpectedValue(option: "--help")) }
                return .help
            }
            let option = try option(of: parts, in: word)
            guard option.info.isRepeatable || !seen.contains(option.info.name) else {
                throw failure(.duplicateOption(option.info.name))
            }
            seen.append(option.info.name)
            let value = try value(of: option.info, in: parts, following: &rest)
            do throws(BadValue) {
                try option.read(value, &result)
            } catch {
                throw failure(.badValue(option: option.info.name, value: value, why: error.why))
            }
        }
        return .words(words)
    }

    private func option(of parts: OptionWord, in word: OSString) throws(UsageError) -> Option<Options> {
        let options = options()
        for option in options where parts.name == OSString(option.info.name) { return option }
        let names = options.map(\.info.name) + [OptionInfo.help.name]
        throw failure(.unknownOption(parts.name, nearest: Nearest.word(to: parts.name, among: names)))
    }

    private func value(
        of option: OptionInfo,
        in parts: OptionWord,
        following rest: inout ArraySlice<OSString>
    ) throws(UsageError) -> OSString {
        guard let kind = option.value else {
            guard parts.value == nil else { throw failure(.unexpectedValue(option: option.name)) }
            return ""
        }
        if let value = parts.value { return value }
        guard let next = rest.first else {
            throw failure(.missingValue(option: option.name, placeholder: kind.placeholder))
        }
        // `--deny --memory 4GiB` is a forgotten value, not a file called `--memory`: taking it would lose the limit.
        guard !OptionWord.looksLong(next) else {
            throw failure(.optionAsValue(option: option.name, word: next))
        }
        rest = rest.dropFirst()
        return next
    }

    private func failure(_ problem: UsageError.Problem) -> UsageError {
        UsageError(problem, command: command)
    }
}

/// A word that begins with a dash, split at its first `=`.
struct OptionWord {
    let name: OSString
    let value: OSString?

    private static let dash = UInt8(ascii: "-")

    init(_ word: OSString) {
        guard OptionWord.looksLong(word), let equals = word.bytes.firstIndex(of: UInt8(ascii: "=")) else {
            self.name = word
            self.value = nil
            return
        }
        self.name = OSString(word.bytes[..<equals])
        self.value = OSString(word.bytes[(equals + 1)...])
    }

    /// `-` alone is a word like any other.
    static func isOption(_ word: OSString) -> Bool {
        word.bytes.count > 1 && word.bytes[0] == dash
    }

    static func looksLong(_ word: OSString) -> Bool {
        word.bytes.count > 1 && word.bytes[0] == dash && word.bytes[1] == dash
    }
}
