internal import SandboxKernel
internal import SandboxPlan

/// The bytes of a workspace's records and signatures at one moment, for a backup beside running launches.
public enum EvidenceCopy {
    public enum File: String, Hashable, Sendable, CaseIterable {
        // The signatures first: each is of a record that stands in what is read after them.
        case signatures = "signatures.jsonl"
        case records = "records.jsonl"
    }

    /// Gives the file's bytes to `body`, in pieces.
    ///
    /// - Returns: false where there is no such file.
    /// - Throws: `EvidenceError` where it cannot be read, and what `body` throws.
    public static func read(
        _ file: File,
        of location: EvidenceLocation,
        _ body: ([UInt8]) throws(EvidenceError) -> Void
    ) throws(EvidenceError) -> Bool {
        let opened =
            switch file {
            case .signatures: try SettledRecords.openSignatures(location)
            case .records: try SettledRecords.open(location)
            }
        guard let opened else { return false }
        var offset: Int64 = 0
        while offset < opened.length {
            let piece: [UInt8]
            do throws(SyscallError) {
                piece = try FileBytes.read(
                    Int(min(1 << 20, opened.length - offset)),
                    at: offset,
                    of: opened.descriptor.number,
                    named: opened.path
                )
            } catch {
                throw EvidenceError(
                    action: "copy",
                    subject: opened.path,
                    call: error.call,
                    errno: error.errno,
                    remedy: "see the folder's owner and mode"
                )
            }
            guard !piece.isEmpty else {
                throw EvidenceError(
                    action: "copy",
                    subject: opened.path,
                    cause: "it got shorter while it was read",
                    remedy: "look at who writes to it besides codex-sandbox"
                )
            }
            try body(piece)
            offset += Int64(piece.count)
        }
        return true
    }
}
