extension UnitState {
    /// Whether the manager has a socket at other addresses than a text says.
    ///
    /// False where that is not known: beside drop-ins, and for addresses that the manager may write in another way than the text
    /// does (systemd.socket(5), ListenStream=): only paths and dotted quads stand in both alike.
    func listensElsewhere(_ socket: String) -> Bool {
        guard let listen = self["Listen"], self["DropInPaths"] ?? "" == "" else { return false }
        let kind = " (Stream)"
        let has = listen.split(separator: "\n").filter { $0.hasSuffix(kind) }.map {
            UnitText.plain(String($0.dropLast(kind.count)))
        }
        let name = "ListenStream="
        let wanted = socket.split(separator: "\n").filter { $0.hasPrefix(name) }.map { $0.dropFirst(name.count) }
        guard !has.isEmpty, wanted.allSatisfy(UnitState.isPlain) else { return false }
        return wanted.count != has.count || !wanted.allSatisfy { value in has.contains { UnitState.isSame(value, $0) } }
    }

    /// The folder that `%t` stands for is the manager's to know.
    private static func isSame(_ wanted: Substring, _ has: String) -> Bool {
        wanted.hasPrefix("%t/") ? has.hasPrefix("/") && has.hasSuffix(wanted.dropFirst(2)) : wanted == has
    }

    private static func isPlain(_ address: Substring) -> Bool {
        if address.hasPrefix("/") || address.hasPrefix("%t/") {
            let names = address.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            return names.allSatisfy { $0 != "" && $0 != "." && $0 != ".." }
        }
        let parts = address.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, isNumber(parts[1], 65_535) else { return false }
        let quad = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        return quad.count == 4 && quad.allSatisfy { isNumber($0, 255) }
    }

    private static func isNumber(_ text: Substring, _ most: Int) -> Bool {
        Int(text).map { 0...most ~= $0 && String($0) == text } ?? false
    }
}
