internal import CShims
public import SandboxPlan

/// What the helper that makes pid 1 has noted of the supervisor's own namespaces (CShims/child.c).
public enum NamespaceNote {
    /// `cs_namespace`.
    private static let names: [StaticString] = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"]

    /// The links, in the order of `cs_namespace`; nil unless each is one: `net:[4026531840]` (namespaces(7)).
    ///
    /// A wrong one would make every namespace another than the host's.
    public static func links(in note: UnsafeRawBufferPointer) -> [OSString]? {
        let length = Int(CS_NAMESPACE_LINK)
        guard note.count == names.count * length, names.count == Int(CS_NAMESPACES.rawValue) else { return nil }
        var links: [OSString] = []
        links.reserveCapacity(names.count)
        for (index, name) in names.enumerated() {
            let link = Array(note[index * length..<(index + 1) * length].prefix { $0 != 0 })
            guard link.count < length, isLink(link, of: name) else { return nil }
            links.append(OSString(link))
        }
        return links
    }

    private static func isLink(_ link: [UInt8], of name: StaticString) -> Bool {
        let begin = name.utf8CodeUnitCount
        guard link.count > begin + 3, link.last == UInt8(ascii: "]") else { return false }
        guard link[..<begin].elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: begin)) else {
            return false
        }
        guard link[begin] == UInt8(ascii: ":"), link[begin + 1] == UInt8(ascii: "[") else { return false }
        return link[(begin + 2)..<(link.count - 1)].allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
