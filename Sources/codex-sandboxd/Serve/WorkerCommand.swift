import Glibc
import SandboxPlan
import Workspaces

/// The workers that are programs of the operator's: found once, at the start, by real paths.
enum WorkerCommand {
    private static let setting = "CODEX_WORKER_COMMAND"

    /// `CODEX_WORKER_COMMAND`, else `codex` of PATH, else the one of the PyPI package.
    static func codex(_ value: (String) -> String?) throws(ServeError) -> WorkerProfile {
        if let words = try words(value) { return .codex(words.words, files: words.files) }
        let places = (value("PATH") ?? "").split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/codex" }
        for place in places {
            if let found = real(place) { return .codex([found], files: files(for: found)) }
        }
        for folder in packages(value("HOME")) {
            if let found = real("\(folder)/codex_cli_bin/bin/codex") {
                return .codex([found], files: files(for: found))
            }
        }
        return problem(
            "codex",
            "the Codex CLI is neither in PATH nor installed from PyPI: set \(setting), or pip install openai-codex-cli-bin"
        )
    }

    /// `CODEX_WORKER_COMMAND`, else what the policy of each launch says (`worker.command`).
    static func command(_ value: (String) -> String?) throws(ServeError) -> WorkerProfile {
        guard let words = try words(value) else { return .commandOfPolicy }
        return .command(words.words, files: words.files)
    }

    private static func problem(_ name: String, _ text: String) -> WorkerProfile {
        var profile = WorkerProfile.missing(name)
        profile.problem = text
        return profile
    }

    private static func words(_ value: (String) -> String?) throws(ServeError) -> (
        words: [OSString], files: [OSString]
    )? {
        guard let text = value(setting) else { return nil }
        let words = text.split(separator: " ").map(String.init)
        guard let first = words.first, first.hasPrefix("/"), let found = real(first) else {
            throw ServeError("\(setting) = “\(text)”: its first word is no absolute path of a program; write one")
        }
        return ([found] + words.dropFirst().map { OSString($0) }, files(for: found))
    }

    /// What the place has to show: nothing that it shows anyway, the whole folder of the package, else the one file.
    private static func files(for program: OSString) -> [OSString] {
        if ["/usr", "/opt", "/nix"].contains(where: { program.isWithin(OSString($0)) }) { return [] }
        let package = program.parent.parent
        return package.lastComponent == "codex_cli_bin" ? [package] : [program]
    }

    /// Where pip puts packages of one user (site.USER_SITE), and of the system.
    private static func packages(_ home: String?) -> [String] {
        var folders: [String] = []
        for library in [home.map { "\($0)/.local/lib" }, "/usr/local/lib", "/usr/lib"].compactMap(\.self) {
            // A handful of versions; a folder that is not there is not looked into.
            for minor in stride(from: 20, through: 8, by: -1) {
                folders += ["site-packages", "dist-packages"].map { "\(library)/python3.\(minor)/\($0)" }
            }
        }
        return folders
    }

    private static func real(_ path: String) -> OSString? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        guard access(found, X_OK) == 0 else { return nil }
        return OSString(UnsafeRawBufferPointer(start: found, count: strlen(found)))
    }
}
