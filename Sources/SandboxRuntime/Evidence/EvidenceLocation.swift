public import SandboxPlan

/// Where the records of one workspace are.
///
/// `STATE/evidence/WORKSPACE-ID/records.jsonl`; the id is the first 16 bytes of SHA-256 over the bytes of the
/// workspace's absolute path, in hexadecimal. So a folder that is deleted and made anew at the same path keeps its history, and
/// one that is moved starts a new one.
public struct EvidenceLocation: Hashable, Sendable {
    /// `StateFolder.path`.
    public var stateFolder: OSString
    /// Absolute, without links.
    public var workspace: OSString

    public init(stateFolder: OSString, workspace: OSString) {
        self.stateFolder = stateFolder
        self.workspace = workspace
    }

    static let folderName: OSString = "evidence"
    static let fileName: OSString = "records.jsonl"

    public var workspaceID: String { Hexadecimal.text(SHA256.digest(workspace.bytes).prefix(16)) }

    /// The file of records.
    public var records: OSString {
        stateFolder.appending(EvidenceLocation.folderName).appending(OSString(workspaceID))
            .appending(EvidenceLocation.fileName)
    }
}
