/// A shell that completions are written for.
public enum Shell: String, Hashable, Sendable, CaseIterable {
    case bash
    case zsh
    case fish

    var summary: String {
        switch self {
        case .bash: "bash 4.2 or newer, with or without the package bash-completion"
        case .zsh: "zsh, for a folder in fpath or to be sourced after compinit"
        case .fish: "fish 3.1 or newer"
        }
    }

    /// Prints its completions, from the tables that parsing and help use.
    public var completions: String {
        let lines =
            switch self {
            case .bash: BashCompletions.lines
            case .zsh: ZshCompletions.lines
            case .fish: FishCompletions.lines
            }
        return lines.joined(separator: "\n") + "\n"
    }
}
