internal import SandboxPlan

/// What a start or refused record says of the workspace that it belongs to.
struct WorkspaceSubject: Hashable {
    /// SHA-256 of the workspace's path.
    var path: [UInt8]

    /// Reads it from a record's subjects; nil unless exactly one of them is a workspace, with such a digest.
    init?(_ statement: JSONValue) {
        let named = (statement["subject"]?.array ?? []).filter { $0["annotations"]?["role"]?.string == "workspace" }
        guard named.count == 1, let path = named[0]["digest"]?["path"]?.string.flatMap(Hexadecimal.bytes),
            path.count == 32
        else { return nil }
        self.path = path
    }

    /// Whether the records of the workspace are kept there.
    func isKept(at location: EvidenceLocation) -> Bool {
        Hexadecimal.text(path.prefix(EvidenceLocation.workspaceIDLength)) == location.workspaceID
    }
}
