public import SandboxPlan

/// Where the records of one workspace are.
///
/// `STATE/evidence/WORKSPACE-ID/records.jsonl`; the id is the first 16 bytes of SHA-256 over the bytes of the
/// workspace's absolute path, in hexadecimal. So a folder that is deleted and made anew at the same path keeps its history, and
/// one that is moved starts a new one.
public struct EvidenceLocation: Hashable, Sendable {
    /// `StateFolder.path`.
    public var stateFolder: OSString
    /// Absolute, without links; nil where only the id is known.
    public let workspace: OSString?
    public let workspaceID: String

    public init(stateFolder: OSString, workspace: OSString) {
        self.stateFolder = stateFolder
        self.workspace = workspace
        let digest = SHA256.digest(workspace.bytes)
        workspaceID = Hexadecimal.text(digest.prefix(EvidenceLocation.workspaceIDLength))
    }

    /// The records of the workspace with this id.
    ///
    /// - Returns: nil when it is no id.
    public init?(stateFolder: OSString, workspaceID: OSString) {
        guard let id = workspaceID.utf8, let bytes = Hexadecimal.bytes(id),
            bytes.count == EvidenceLocation.workspaceIDLength
        else { return nil }
        self.stateFolder = stateFolder
        workspace = nil
        self.workspaceID = id
    }

    /// Of `workspaceID`, in bytes.
    static let workspaceIDLength = 16

    static let folderName: OSString = "evidence"
    static let fileName: OSString = "records.jsonl"
    static let signaturesName: OSString = "signatures.jsonl"

    var folder: OSString {
        stateFolder.appending(EvidenceLocation.folderName).appending(OSString(workspaceID))
    }

    /// The file of records.
    public var records: OSString { folder.appending(EvidenceLocation.fileName) }

    /// The file of their signatures.
    public var signatures: OSString { folder.appending(EvidenceLocation.signaturesName) }

    /// What people know the workspace by.
    public var name: String { workspace?.description ?? workspaceID }
}
