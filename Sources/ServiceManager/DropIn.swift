/// What somebody says beside a unit (systemd.unit(5)); `service install` writes none.
public struct DropIn: Hashable, Sendable {
    public var path: String
    /// Nil where it cannot be read.
    public var text: String?

    public init(path: String, text: String?) {
        self.path = path
        self.text = text
    }

    /// Whether the server may be started in another way than the unit says, with its data in another place.
    public var mayStartAnother: Bool { text.map { DropIn.starts(in: $0) > 0 || DropIn.movesData($0) } ?? true }

    /// How often a text says how a service starts.
    ///
    /// By bytes, as the manager reads it; the equals sign may stand on the next line, behind a backslash.
    static func starts(in text: String) -> Int { lines(text).count { says("ExecStart", $0) } }

    /// Whether a text gives the server an environment that may say where data lies.
    ///
    /// The name may stand on any line behind: of what is continued the first has the key.
    private static func movesData(_ text: String) -> Bool {
        let said = lines(text)
        if said.contains(where: { says("EnvironmentFile", $0) }) { return true }
        return said.contains { says("Environment", $0) || says("PassEnvironment", $0) }
            && said.contains { line in places.contains { holds($0, line) } }
    }

    /// The settings of a server that say where its data lies.
    private static let places = ["DATABASE_URL", "WORKSPACE_ROOT"]

    /// Without the blanks before them, and without comments, which stand between lines that are continued, too.
    private static func lines(_ text: String) -> [Substring.UTF8View] {
        text.utf8.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).map { $0.drop { $0 == 0x20 || $0 == 0x09 } }
            .filter { $0.first != UInt8(ascii: "#") && $0.first != UInt8(ascii: ";") }
    }

    private static func says(_ key: String, _ line: Substring.UTF8View) -> Bool {
        guard line.starts(with: key.utf8) else { return false }
        return line.dropFirst(key.utf8.count).first.map { !(0x41...0x5A ~= $0 & 0xDF) } ?? true
    }

    private static func holds(_ name: String, _ line: Substring.UTF8View) -> Bool {
        var rest = line
        while !rest.isEmpty {
            if rest.starts(with: name.utf8) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    /// Whether it is one of a unit of ours, and not one for several units.
    public var isOfOurs: Bool {
        let parts = path.split(separator: "/")
        return parts.count >= 2
            && [ServiceUnits.serviceName, ServiceUnits.socketName].contains { parts[parts.count - 2] == "\($0).d" }
    }

    /// The paths of a property `DropInPaths`, which stand with blanks between, and may have some: what begins with none is a path's rest.
    ///
    /// What systemctl does not print, for a control character in it, stands as a word of its own, and so does a rest of no path: that
    /// there is such a drop-in is known, what it says is not.
    public static func paths(_ said: String) -> [String] {
        var paths: [String] = []
        for word in said.split(separator: " ", omittingEmptySubsequences: false) {
            if word.hasPrefix("/") || word == unprintable || paths.isEmpty && !word.isEmpty {
                paths.append(String(word))
            } else if !paths.isEmpty {
                paths[paths.count - 1] += " \(word)"
            }
        }
        return paths
    }

    /// What systemctl shows in the place of a string that is not fit for a terminal.
    private static let unprintable = "[unprintable]"
}
