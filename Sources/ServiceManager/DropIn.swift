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
    public var mayStartAnother: Bool { text.map { DropIn.starts(in: $0) > 0 } ?? true }

    /// How often a text says how a service starts.
    ///
    /// By bytes, as the manager reads it; the equals sign may stand on the next line, behind a backslash.
    static func starts(in text: String) -> Int {
        text.utf8.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).count { line in
            let rest = line.drop { $0 == 0x20 || $0 == 0x09 }
            guard rest.starts(with: start.utf8) else { return false }
            return rest.dropFirst(start.utf8.count).first.map { !(0x41...0x5A ~= $0 & 0xDF) } ?? true
        }
    }

    private static let start = "ExecStart"

    /// Whether it is one of a unit of ours, and not one for several units.
    public var isOfOurs: Bool {
        let parts = path.split(separator: "/")
        return parts.count >= 2
            && [ServiceUnits.serviceName, ServiceUnits.socketName].contains { parts[parts.count - 2] == "\($0).d" }
    }

    /// The paths of a property `DropInPaths`, which stand with blanks between, and may have some: what begins with none is a path's rest.
    public static func paths(_ said: String) -> [String] {
        var paths: [String] = []
        for word in said.split(separator: " ", omittingEmptySubsequences: false) {
            if word.hasPrefix("/") {
                paths.append(String(word))
            } else if !paths.isEmpty {
                paths[paths.count - 1] += " \(word)"
            }
        }
        return paths
    }
}
