/// The completions of bash(1), which need nothing beside it.
///
/// A word with `=` comes in three pieces (COMP_WORDBREAKS), so both forms of an option with a value meet in one place.
enum BashCompletions {
    static var lines: [String] { head + values + commands + tail }

    private static let head = [
        "# Completions of codex-sandbox for bash; from `codex-sandbox completions bash`.",
        "",
        "# Folders, files, policies: one name a line, so that blanks stay.",
        "_codex_sandbox_folders() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$1\"); }",
        "_codex_sandbox_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$1\"); }",
        "_codex_sandbox_words() { mapfile -t COMPREPLY < <(compgen -W \"$2\" -- \"$1\"); }",
        "_codex_sandbox_policies() {",
        "    local names",
        "    names=$(\"${COMP_WORDS[0]}\" policy list 2>/dev/null </dev/null | awk '{print $1}')",
        "    _codex_sandbox_words \"$1\" \"$names\"",
        "    [ ${#COMPREPLY[@]} -gt 0 ] || _codex_sandbox_files \"$1\"",
        "}",
        "# What comes after an option's value has come: the command of the job, with its own completions.",
        "_codex_sandbox_job() {",
        "    local begin=$1 current=$2",
        "    if [ \"$COMP_CWORD\" -eq \"$begin\" ]; then",
        "        if [[ $current == */* ]]; then",
        "            _codex_sandbox_files \"$current\"",
        "        else",
        "            mapfile -t COMPREPLY < <(compgen -c -- \"$current\" | sort -u)",
        "        fi",
        "    elif declare -F _command_offset >/dev/null; then",
        "        _command_offset \"$begin\"",
        "    else",
        "        _codex_sandbox_files \"$current\"",
        "    fi",
        "}",
        "",
    ]

    /// One function says of `COMMAND --option` what its value is.
    private static var values: [String] {
        var lines = [
            "# COMMAND OPTION WORD: completes the value of an option; 1 when it has none, 2 when nothing is known of it.",
            "_codex_sandbox_value() {",
            "    case \"$1 $2\" in",
        ]
        for command in ShellCommand.all {
            for option in command.options {
                guard let value = option.value else { continue }
                lines.append("    '\(command.name.rawValue) \(option.name)') \(completion(value, "\"$3\"")) ;;")
            }
        }
        return lines + ["    *) return 1 ;;", "    esac", "}", ""]
    }

    private static func completion(_ value: ValueKind, _ word: String) -> String {
        switch value {
        case .folder: "_codex_sandbox_folders \(word)"
        case .file, .path, .fileOrDescriptor: "_codex_sandbox_files \(word)"
        case .policy: "_codex_sandbox_policies \(word)"
        case .environment: "mapfile -t COMPREPLY < <(compgen -e -- \(word))"
        case .words(let words): "_codex_sandbox_words \(word) '\(words.joined(separator: " "))'"
        case .size, .time, .number, .checkpoint, .jobName, .text: "return 2"
        }
    }

    private static var commands: [String] {
        var lines = [
            "# COMMAND: its options, each a word.",
            "_codex_sandbox_options() {",
            "    case $1 in",
        ]
        for command in ShellCommand.all {
            lines.append(
                "    \(command.name.rawValue)) echo '\(command.options.map(\.name).joined(separator: " "))' ;;"
            )
        }
        lines += [
            "    esac", "}", "", "# COMMAND FIRST WORD: completes a word that is no option.",
            "_codex_sandbox_operand() {",
        ]
        lines += ["    case \"$1 $2\" in"]
        for command in ShellCommand.all {
            guard case .words(let words) = command.operands else { continue }
            let names = words.map(\.word).joined(separator: " ")
            lines.append("    '\(command.name.rawValue) ') _codex_sandbox_words \"$3\" '\(names)' ;;")
            for word in words {
                guard let next = word.next else { continue }
                lines.append("    '\(command.name.rawValue) \(word.word)') \(completion(next, "\"$3\"")) ;;")
            }
        }
        return lines + ["    esac", "}", ""]
    }

    private static var tail: [String] {
        let all = CommandName.allCases.map(\.rawValue).joined(separator: " ")
        let jobs = ShellCommand.all.filter { if case .job = $0.operands { true } else { false } }
        let withJob = jobs.map(\.name.rawValue).joined(separator: "|")
        return [
            "_codex_sandbox() {",
            "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}",
            "    local first='' position word",
            "    COMPREPLY=()",
            "    if [ \"$COMP_CWORD\" -eq 1 ]; then",
            "        _codex_sandbox_words \"$current\" '\(all) --help --version'",
            "        return",
            "    fi",
            "    for ((position = 2; position < COMP_CWORD; position++)); do",
            "        word=${COMP_WORDS[position]}",
            "        case $word in",
            "        --) first=$((position + 1)) && break ;;",
            "        -*)",
            "            # Its value is the next word, or the one behind a `=`.",
            "            if _codex_sandbox_value \"$command\" \"$word\" '' || [ $? -eq 2 ]; then",
            "                [ \"${COMP_WORDS[position + 1]}\" != '=' ] || position=$((position + 1))",
            "                position=$((position + 1))",
            "            fi",
            "            ;;",
            "        *) first=$position && break ;;",
            "        esac",
            "    done",
            "    COMPREPLY=()",
            "    case $command in",
            "    \(withJob))",
            "        if [ -n \"$first\" ]; then",
            "            _codex_sandbox_job \"$first\" \"$current\"",
            "            return",
            "        fi",
            "        ;;",
            "    esac",
            "    # --name=value and --name value.",
            "    [ \"$current\" != '=' ] || { current='' && previous='='; }",
            "    if [ \"$previous\" = '=' ]; then",
            "        previous=${COMP_WORDS[COMP_CWORD - 2]}",
            "        [ \"${COMP_WORDS[COMP_CWORD]}\" != '=' ] || previous=${COMP_WORDS[COMP_CWORD - 1]}",
            "    fi",
            "    if [[ $previous == --?* ]]; then",
            "        _codex_sandbox_value \"$command\" \"$previous\" \"$current\" && return",
            "        [ $? -ne 2 ] || return 0",
            "    fi",
            "    if [[ $current == -* ]]; then",
            "        _codex_sandbox_words \"$current\" \"$(_codex_sandbox_options \"$command\")\"",
            "        return",
            "    fi",
            "    case $command in",
            "    \(withJob)) _codex_sandbox_job \"$COMP_CWORD\" \"$current\" ;;",
            "    *) _codex_sandbox_operand \"$command\" \"${first:+${COMP_WORDS[first]}}\" \"$current\" ;;",
            "    esac",
            "}",
            "complete -F _codex_sandbox codex-sandbox",
        ]
    }
}
