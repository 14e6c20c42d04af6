public import SandboxPlan

/// A setting of a repository by which git takes hooks, programs or further settings from another place.
///
/// The settings are kept from a job, the place that they name is not: `core.hooksPath = .husky` is a folder of the project.
public struct GitLead: Hashable, Sendable {
    /// `core.hooksPath`.
    public var key: String
    /// Absolute, `..` taken out as text.
    public var path: OSString

    /// The leads in the text of a repository's `.git/config` (git-config(1)).
    ///
    /// Known are `core.hooksPath`, `core.fsmonitor` where it is a path, `include.path` and `includeIf.*.path`. What is
    /// broken is passed over: git will say so.
    ///
    /// - Parameters:
    ///   - text: of the file.
    ///   - folder: in which `.git` is.
    ///   - home: what `~` stands for; nil where nobody knows.
    /// - Returns: in the file's order.
    public static func all(_ text: [UInt8], in folder: OSString, home: OSString?) -> [GitLead] {
        var leads: [GitLead] = []
        var section: [UInt8] = []
        for line in text.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            var rest = line.drop { $0 == 0x20 || $0 == 0x09 }
            if rest.first == UInt8(ascii: "[") { section = title(&rest) }
            guard let sign = rest.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = GitUser.lowercase(rest[..<sign].filter { $0 != 0x20 && $0 != 0x09 })
            guard let key = key(section, name), let value = GitUser.value(rest[(sign + 1)...]) else { continue }
            var written = OSString(value)
            if key == "core.fsmonitor" {
                // A command line; a word without a slash is a truth value or a program in PATH.
                written = OSString(value.prefix { $0 != 0x20 && $0 != 0x09 })
                if !written.containsSlash { continue }
            }
            // git takes an included file from beside the one that names it, hooks from where they are run.
            let base = key == "core.hooksPath" || key == "core.fsmonitor" ? folder : folder.appending(".git")
            if let path = resolved(written, from: base, home) { leads.append(GitLead(key: key, path: path)) }
        }
        return leads
    }

    private static func key(_ section: [UInt8], _ name: [UInt8]) -> String? {
        if section == Array("core".utf8) {
            if name == Array("hookspath".utf8) { return "core.hooksPath" }
            if name == Array("fsmonitor".utf8) { return "core.fsmonitor" }
        }
        guard name == Array("path".utf8) else { return nil }
        if section == Array("include".utf8) { return "include.path" }
        return section == Array("includeif".utf8) ? "includeIf.path" : nil
    }

    /// The section's name; a key may follow on the same line.
    private static func title(_ line: inout ArraySlice<UInt8>) -> [UInt8] {
        var name: [UInt8] = []
        var isName = true
        var isQuoted = false
        line = line.dropFirst()
        while let byte = line.popFirst() {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: "]") && !isQuoted { break }
            if byte == 0x20 || byte == 0x09 || byte == UInt8(ascii: "\"") { isName = false }
            if isName { name.append(byte) }
        }
        return GitUser.lowercase(name)
    }

    /// Nil for another user's home, and for nothing.
    private static func resolved(_ written: OSString, from base: OSString, _ home: OSString?) -> OSString? {
        guard let first = written.bytes.first else { return nil }
        var path = written.isAbsolute ? written : base.appending(written)
        if first == UInt8(ascii: "~") {
            guard let home, written.bytes.count > 2, written.bytes[1] == UInt8(ascii: "/") else { return nil }
            path = home.appending(OSString(written.bytes[2...]))
        }
        var result: OSString = "/"
        for name in path.components { result = name == ".." ? result.parent : result.appending(name) }
        return result
    }
}
