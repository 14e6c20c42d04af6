internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Puts the kept end of a file of records, with a checkpoint behind it, in the place of the whole.
enum RecordReplacement {
    /// Cuts at `cut`; `folder` is the workspace's, and the lock of its signatures is held.
    ///
    /// Answers the checkpoint's place in the chain. Where it throws, the file is as it was.
    static func replace(
        from cut: CollectionPlan.Cut,
        in folder: borrowing EvidenceFolder,
        _ location: EvidenceLocation,
        toolVersion: String
    ) throws(EvidenceError) -> ChainCheckpoint {
        let path = location.records
        let number = EvidenceLocation.fileName.withCString {
            openat(folder.descriptor.number, $0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        }
        let code = errno
        guard number >= 0 else { throw ReplacementFile.failure("open", path, "openat", code) }
        let records = OwnedFileDescriptor(owning: number)
        try checkFileSystem(records.number, path)
        var file = try ReplacementFile(for: EvidenceLocation.fileName, in: folder.descriptor.number, path: path)
        // Most of it before the lock, under which launches wait: what is there is never changed, only appended to.
        let early = try length(of: records.number, path)
        try file.copy(records.number, from: cut.offset, to: early)
        try file.settle()
        try FileLock.take(records.number, path)
        let length = try length(of: records.number, path)
        try file.copy(records.number, from: early, to: length)
        try checkBeginning(records.number, cut.offset, length, path)
        let end = try ChainEnd(of: records.number, length: length, path: path)
        let line = LinkedRecord(cut.checkpoint.record(at: .now, toolVersion: toolVersion), end.next)
        let newline = [UInt8(ascii: "\n")]
        // Where nothing is kept there is no half line in the new file, and its first line would be an empty one.
        let endsInHalfLine = end.isHalfLine && cut.offset < length
        try file.write((endsInHalfLine ? newline : []) + line.line.bytes + newline)
        try file.putInPlace()
        return ChainCheckpoint(sequence: end.next.sequence, digest: line.digest)
    }

    /// Launches see by its count of names that a file was replaced, which not every file system keeps.
    private static func checkFileSystem(_ file: Int32, _ path: OSString) throws(EvidenceError) {
        let remote = cs_is_remote(file)
        if remote < 0 { throw ReplacementFile.failure("look at", path, "fstatfs", Int32(-remote)) }
        guard remote == 0 else {
            throw EvidenceError(
                action: "replace",
                subject: path,
                cause: "on its file system, of a network or of a process, launches could not tell that it was replaced",
                remedy: "keep the state folder on a local file system (--state-dir, CODEX_SANDBOX_STATE_DIR)"
            )
        }
    }

    private static func length(of file: Int32, _ path: OSString) throws(EvidenceError) -> Int64 {
        var status = stat()
        let result = fstat(file, &status)
        let code = errno
        guard result == 0 else { throw ReplacementFile.failure("look at", path, "fstat", code) }
        // A launch that waits for the lock sees by its count of names that the file was replaced.
        guard status.st_nlink == 1 else {
            throw EvidenceError(
                action: "replace",
                subject: path,
                cause: "it has \(status.st_nlink) names, and launches would go on writing to the others",
                remedy: "remove the other names (find STATE -samefile FILE)"
            )
        }
        return Int64(status.st_size)
    }

    /// What is left begins with a link, by which it is known what was cut off.
    private static func checkBeginning(
        _ file: Int32,
        _ offset: Int64,
        _ length: Int64,
        _ path: OSString
    ) throws(EvidenceError) {
        guard offset < length else { return }
        let number = fcntl(file, F_DUPFD_CLOEXEC, 3)
        let code = errno
        guard number >= 0 else { throw ReplacementFile.failure("read", path, "fcntl", code) }
        var lines = LinesForwards(OwnedFileDescriptor(owning: number), path: path, length: length, from: offset)
        if let line = try lines.next(), case .linked = LinePlace(line.bytes) { return }
        throw EvidenceError(
            action: "cut",
            subject: path,
            cause: "a writer was killed just now, and left half a line where the kept records would begin",
            remedy: "try again"
        )
    }
}

/// Removes signatures of records that are gone.
enum SignatureReplacement {
    /// Trims the locked file of signatures, which is not to be used afterwards: another may be in its place.
    static func trim(
        _ signatures: borrowing SignatureFile,
        in folder: borrowing EvidenceFolder,
        _ location: EvidenceLocation
    ) throws(EvidenceError) {
        guard let records = try SettledRecords.open(location), let first = try records.firstLine(),
            case .linked(let link) = LinePlace(first)
        else { return }
        let number = fcntl(signatures.number, F_DUPFD_CLOEXEC, 3)
        let code = errno
        guard number >= 0 else { throw ReplacementFile.failure("read", location.signatures, "fcntl", code) }
        var lines = LinesForwards(
            OwnedFileDescriptor(owning: number),
            path: location.signatures,
            length: signatures.size
        )
        var offset = signatures.size
        while let line = try lines.next() {
            // What is no signature stays, and with it what is behind: `evidence verify` has to see it.
            guard let signature = RecordSignature(reading: line.bytes), signature.sequence < link.sequence else {
                offset = line.offset
                break
            }
        }
        guard offset > 0 else { return }
        var file = try ReplacementFile(
            for: EvidenceLocation.signaturesName,
            in: folder.descriptor.number,
            path: location.signatures
        )
        try file.copy(signatures.number, from: offset, to: signatures.size)
        try file.putInPlace()
    }
}
