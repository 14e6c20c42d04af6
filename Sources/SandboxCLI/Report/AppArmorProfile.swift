public import SandboxPlan

/// The AppArmor profile that lets this installation make user namespaces.
///
/// Where AppArmor restricts them (Ubuntu 23.10 and later), the kernel takes every capability from a user namespace whose maker
/// has no profile with the rule `userns,` (apparmor.d(5), AppArmor 4.0). The package ships what `doctor --apparmor-profile`
/// prints there: this is the only source of the text. `flags=(unconfined)`: it takes nothing away; what a job may do is
/// decided by the sandbox alone.
public struct AppArmorProfile: Hashable, Sendable {
    /// The file that it is meant for.
    public static let file = "/etc/apparmor.d/codex-sandbox"

    /// Real paths of the executables that make user namespaces.
    public var executables: [OSString]

    public init(executables: [OSString]) {
        self.executables = executables
    }

    /// The file's text; nil when a path cannot be written in one: it is not UTF-8, or has a control character.
    public var text: String? {
        var lines = [
            "# Lets codex-sandbox make user namespaces, and takes nothing away: what a job may do is decided by the sandbox.",
            "# Needed where kernel.apparmor_restrict_unprivileged_userns is 1. It is what this prints:",
            "# codex-sandbox doctor --apparmor-profile",
            "abi <abi/4.0>,",
            "include <tunables/global>",
        ]
        for executable in executables {
            guard let path = AppArmorProfile.quoted(executable), let name = executable.lastComponent.utf8 else {
                return nil
            }
            lines += [
                "",
                "profile \(name) \(path) flags=(unconfined) {",
                "  userns,",
                "",
                "  include if exists <local/codex-sandbox>",
                "}",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A path as a pattern that only this path matches (apparmor.d(5), "Globbing").
    private static func quoted(_ path: OSString) -> String? {
        guard let text = path.utf8 else { return nil }
        var quoted = ""
        for scalar in text.unicodeScalars {
            guard scalar.value >= 0x20, scalar.value != 0x7F else { return nil }
            if ["*", "?", "[", "]", "{", "}", "^", "\\", "\"", "@", ","].contains(scalar) { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return "\"\(quoted)\""
    }
}
