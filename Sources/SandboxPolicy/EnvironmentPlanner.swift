internal import SandboxPlan

/// The worker's environment: from nothing, what the policy lets through, then what it sets, then what the place is.
enum EnvironmentPlanner {
    /// What `inherit = "core"` means.
    static let core: [OSString] = [
        "PATH", "LANG", "LANGUAGE", "LC_*", "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TZ", "COLUMNS",
        "LINES", "CI",
    ]

    static let defaultPath: OSString = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    static func planned(_ policy: Policy, _ request: LaunchRequest) -> [EnvironmentEntry] {
        // A few dozen at most: a list is searched faster than a table is made.
        var entries: [EnvironmentEntry] = []
        entries.reserveCapacity(64)
        func set(_ name: OSString, _ value: OSString) {
            if let index = entries.firstIndex(where: { $0.name == name }) {
                entries[index].value = value
            } else {
                entries.append(EnvironmentEntry(name: name, value: value))
            }
        }
        for variable in request.callerEnvironment {
            guard let entry = split(variable), isName(entry.name) else { continue }
            let passed = policy.environment.pass.contains(entry.name)
            guard passed || inherits(entry.name, policy.environment) else { continue }
            set(entry.name, entry.value)
        }
        if !entries.contains(where: { $0.name == "PATH" }) { set("PATH", defaultPath) }
        set("HOME", "/home/sandbox")
        set("USER", "sandbox")
        set("LOGNAME", "sandbox")
        set("SHELL", "/bin/sh")
        set("TMPDIR", "/tmp")
        set("PWD", request.inside(request.workingDirectory))
        if case .off = policy.network { set("CODEX_SANDBOX_NETWORK_DISABLED", "1") }
        for entry in policy.environment.set { set(entry.name, entry.value) }
        return entries.sorted { $0.name < $1.name }
    }

    private static func inherits(_ name: OSString, _ policy: EnvironmentPolicy) -> Bool {
        switch policy.inherit {
        case .none: return false
        case .core: guard core.contains(where: { matches(name, $0) }) else { return false }
        case .all: break
        }
        return !policy.exclude.contains { matches(name, $0) }
    }

    /// An entry without `=` or with an empty name is nobody's variable.
    private static func split(_ entry: OSString) -> EnvironmentEntry? {
        guard let sign = entry.bytes.firstIndex(of: UInt8(ascii: "=")), sign > 0 else { return nil }
        return EnvironmentEntry(
            name: OSString(entry.bytes[..<sign]),
            value: OSString(entry.bytes[(sign + 1)...])
        )
    }

    /// Bash exports functions as `BASH_FUNC_x%%`: such names are code and never pass.
    static func isName(_ name: OSString) -> Bool {
        !name.isEmpty
            && name.bytes.allSatisfy { byte in
                byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & 0xDF)
            }
    }

    /// `*` stands for any run of characters; letters compare without case.
    static func matches(_ name: OSString, _ pattern: OSString) -> Bool {
        let text = name.bytes
        let pattern = pattern.bytes
        var position = 0
        var index = 0
        var star: (pattern: Int, text: Int)?
        while position < text.count {
            if index < pattern.count && pattern[index] == UInt8(ascii: "*") {
                star = (index, position)
                index += 1
            } else if index < pattern.count && upper(pattern[index]) == upper(text[position]) {
                index += 1
                position += 1
            } else if let last = star {
                index = last.pattern + 1
                position = last.text + 1
                star = (last.pattern, last.text + 1)
            } else {
                return false
            }
        }
        return pattern[index...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    private static func upper(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte - 32 : byte
    }
}
