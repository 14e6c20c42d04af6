public import SandboxPlan

/// What a link in `/proc/PID/ns` says.
public enum NamespaceLink {
    /// Whether this is what the kernel writes: `net:[4026531840]` (namespaces(7)).
    ///
    /// A wrong one of the supervisor would make every namespace another than the host's.
    public static func isLink(_ link: OSString, of name: String) -> Bool {
        let link = link.bytes
        let begin = name.utf8.count
        guard link.count > begin + 3, link.last == UInt8(ascii: "]"), link[..<begin].elementsEqual(name.utf8),
            link[begin] == UInt8(ascii: ":"), link[begin + 1] == UInt8(ascii: "[")
        else { return false }
        return link[(begin + 2)..<(link.count - 1)].allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
