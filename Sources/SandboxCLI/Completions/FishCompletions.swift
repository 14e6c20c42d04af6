/// The completions of fish(1).
enum FishCompletions {
    static var lines: [String] {
        var lines = head
        for command in CommandName.allCases {
            lines.append(
                "complete -c codex-sandbox -n __codex_sandbox_begins -a \(command.rawValue) -d \(quoted(command.summary))"
            )
        }
        lines += [
            "complete -c codex-sandbox -n __codex_sandbox_begins -l help -d 'Prints the help.'",
            "complete -c codex-sandbox -n __codex_sandbox_begins -l version -d 'Prints the version.'",
        ]
        for command in ShellCommand.all {
            lines.append("")
            lines += command.options.map { option($0, of: command) }
            lines += operands(of: command)
        }
        return lines
    }

    private static var head: [String] {
        let names = ShellCommand.all.flatMap { $0.options }.filter { $0.value != nil }.map(\.name)
        let withValue = names.indices.filter { names[..<$0].contains(names[$0]) == false }.map { names[$0] }
        return [
            "# Completions of codex-sandbox for fish; from `codex-sandbox completions fish`.",
            "",
            "# What has been typed before the word under the cursor, without the program.",
            "function __codex_sandbox_words",
            "    set -l words (commandline -opc)",
            "    string join \\n -- $words[2..-1]",
            "end",
            "function __codex_sandbox_begins",
            "    test (count (commandline -opc)) -eq 1",
            "end",
            "# The number of the first word behind the command that is no option and no value of one; fails if there is none.",
            "function __codex_sandbox_first",
            "    set -l words (__codex_sandbox_words)",
            "    set -l value 0",
            "    set -l position 1",
            "    for word in $words[2..-1]",
            "        set position (math $position + 1)",
            "        if test $value -eq 1",
            "            set value 0",
            "            continue",
            "        end",
            "        switch $word",
            "            case --",
            "                math $position + 1",
            "                return 0",
            "            case '--*=*'",
            "            case \(withValue.joined(separator: " "))",
            "                set value 1",
            "            case '-*'",
            "            case '*'",
            "                echo $position",
            "                return 0",
            "        end",
            "    end",
            "    return 1",
            "end",
            "# Whether the command is this one.",
            "function __codex_sandbox_is",
            "    set -l words (__codex_sandbox_words)",
            "    test (count $words) -ge 1; and test \"$words[1]\" = $argv[1]",
            "end",
            "# Whether the command is this one, without a word yet that is no option.",
            "function __codex_sandbox_in",
            "    set -l words (__codex_sandbox_words)",
            "    test (count $words) -ge 1; and test \"$words[1]\" = $argv[1]; and not __codex_sandbox_first >/dev/null",
            "end",
            "# Whether the command is the first, and its first word the second.",
            "function __codex_sandbox_after",
            "    set -l words (__codex_sandbox_words)",
            "    test (count $words) -ge 2; or return 1",
            "    set -l first (__codex_sandbox_first); or return 1",
            "    test \"$words[1]\" = $argv[1]; and test \"$words[$first]\" = $argv[2]; and test (count $words) -eq $first",
            "end",
            "# The command of a job and its words, with their own completions.",
            "function __codex_sandbox_job",
            "    set -l words (__codex_sandbox_words)",
            "    set -l first (__codex_sandbox_first); or set first (math (count $words) + 1)",
            "    set -l own",
            "    test $first -gt (count $words); or set own $words[$first..-1]",
            "    complete -C (string join ' ' -- (string escape -- $own) (commandline -ct))",
            "end",
            "function __codex_sandbox_has_job",
            "    set -l words (__codex_sandbox_words)",
            "    test (count $words) -ge 1; and contains -- \"$words[1]\" $argv; or return 1",
            "    __codex_sandbox_first >/dev/null; and return 0",
            "    not string match -q -- '-*' (commandline -ct)",
            "end",
            "function __codex_sandbox_policies",
            "    set -l program (commandline -opc)[1]",
            "    $program policy list 2>/dev/null </dev/null | string replace -r '^(\\\\S+)\\\\s+\\\\S+\\\\s+(.*)$' '$1\\t$2'",
            "end",
            "",
            "complete -c codex-sandbox -f",
        ]
    }

    private static func option(_ option: OptionInfo, of command: ShellCommand) -> String {
        // The options of a command with a job end where that begins.
        let condition = if case .job = command.operands { "in" } else { "is" }
        var words = [
            "complete -c codex-sandbox -n '__codex_sandbox_\(condition) \(command.name.rawValue)'", "-l",
            String(option.name.dropFirst(2)),
        ]
        if let value = option.value { words += action(value) }
        words += ["-d", quoted(option.summary)]
        return words.joined(separator: " ")
    }

    private static func operands(of command: ShellCommand) -> [String] {
        let begin = "complete -c codex-sandbox -n"
        switch command.operands {
        case .none: return []
        case .job: return ["\(begin) '__codex_sandbox_has_job \(command.name.rawValue)' -a '(__codex_sandbox_job)'"]
        case .words(let operands):
            var lines: [String] = []
            for operand in operands {
                lines.append(
                    "\(begin) '__codex_sandbox_in \(command.name.rawValue)' -a \(operand.word) -d \(quoted(operand.summary))"
                )
                guard let next = operand.next else { continue }
                let words = action(next).filter { $0 != "-x" && $0 != "-r" }
                let isFile = next == .file || next == .policy
                let after = "\(begin) '__codex_sandbox_after \(command.name.rawValue) \(operand.word)'"
                lines.append(([after] + (isFile ? ["-F"] : []) + words.filter { $0 != "-F" }).joined(separator: " "))
            }
            return lines
        }
    }

    private static func action(_ value: ValueKind) -> [String] {
        switch value {
        case .folder: ["-x", "-a", "'(__fish_complete_directories)'"]
        case .file, .path, .fileOrDescriptor: ["-r", "-F"]
        case .policy: ["-r", "-F", "-a", "'(__codex_sandbox_policies)'"]
        case .environment: ["-x", "-a", "'(set -xn)'"]
        case .words(let words): ["-x", "-a", quoted(words.joined(separator: " "))]
        case .size, .time, .number, .checkpoint, .jobName, .text: ["-x"]
        }
    }

    private static func quoted(_ text: String) -> String {
        ShellText.quoted(ShellText.escaped(text, "\\"), quote: "\\'")
    }
}
