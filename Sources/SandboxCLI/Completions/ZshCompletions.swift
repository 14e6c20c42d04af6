/// The completions of zsh(1), by its own `_arguments` (zshcompsys(1)).
enum ZshCompletions {
    static var lines: [String] {
        var lines = [
            "#compdef codex-sandbox",
            "# Completions of codex-sandbox for zsh; from `codex-sandbox completions zsh`.",
            "",
            "_codex_sandbox_policies() {",
            "    local -a names",
            "    names=(${${(f)\"$(_call_program policies $program policy list 2>/dev/null)\"}%% *})",
            "    _alternative 'names:policy:($names)' 'files:file:_files'",
            "}",
            "",
            "_codex_sandbox() {",
            "    local state",
            "    if (( CURRENT == 2 )); then",
            "        local -a commands",
            "        commands=(",
        ]
        lines += CommandName.allCases.map { "            \(quoted($0.rawValue + ":" + $0.summary))" }
        lines += [
            "        )",
            "        _describe -t commands command commands",
            "        _values option '--help' '--version'",
            "        return",
            "    fi",
            "    local program=$words[1] command=$words[2]",
            "    shift words",
            "    (( CURRENT-- ))",
            "    case $command in",
        ]
        for command in ShellCommand.all { lines += arguments(of: command) }
        return lines + [
            "    esac",
            "}",
            "",
            "# Loaded by fpath it is called at once; sourced, it is named.",
            "if [ \"$funcstack[1]\" = _codex_sandbox ]; then",
            "    _codex_sandbox \"$@\"",
            "else",
            "    compdef _codex_sandbox codex-sandbox",
            "fi",
        ]
    }

    private static func arguments(of command: ShellCommand) -> [String] {
        var words = command.options.map(specification)
        switch command.operands {
        case .none: break
        case .job: words += ["'(-)1:command:_command_names -e'", "'*::arguments:_normal'"]
        case .words(let operands):
            let names = operands.map { "\($0.word)\\:\(escaped($0.summary))" }
            words.append(
                quoted("1:word:((" + names.map { ShellText.escaped($0, " ") }.joined(separator: " ") + "))")
            )
            if operands.contains(where: { $0.next != nil }) { words.append("'2:value:->value'") }
        }
        var lines = ["    \(command.name.rawValue))"]
        lines.append("        _arguments -S : \\")
        lines += words.dropLast().map { "            \($0) \\" }
        lines += words.suffix(1).map { "            \($0)" }
        if words.isEmpty { lines[lines.count - 1] = "        _message 'no more words'" }
        if case .words(let operands) = command.operands, operands.contains(where: { $0.next != nil }) {
            lines += ["        if [ \"$state\" = value ]; then", "            case $words[2] in"]
            for operand in operands {
                guard let next = operand.next else { continue }
                lines.append("            \(operand.word)) \(action(next)) ;;")
            }
            lines += ["            esac", "        fi"]
        }
        return lines + ["        ;;"]
    }

    private static func specification(_ option: OptionInfo) -> String {
        var text = option.isRepeatable ? "*" : ""
        text += option.name
        guard let value = option.value else { return quoted(text + "[" + escaped(option.summary) + "]") }
        return quoted(text + "=[" + escaped(option.summary) + "]:" + escaped(value.placeholder) + ":" + action(value))
    }

    private static func action(_ value: ValueKind) -> String {
        switch value {
        case .folder: "_files -/"
        case .file, .path, .fileOrDescriptor: "_files"
        case .policy: "_codex_sandbox_policies"
        case .environment: "_parameters -g \"*export*\""
        case .words(let words): "(" + words.joined(separator: " ") + ")"
        case .size, .time, .number, .checkpoint, .jobName, .text: " "
        }
    }

    /// For the text between brackets and colons of a specification.
    private static func escaped(_ text: String) -> String { ShellText.escaped(text, "\\[]:()") }

    private static func quoted(_ text: String) -> String { ShellText.quoted(text, quote: "'\\''") }
}
