internal import Glibc
internal import SandboxPlan

extension WorkerResult {
    /// Reads the result that a job has left.
    ///
    /// - Parameters:
    ///   - folder: the project's.
    ///   - job: whose it must be, if it says whose it is.
    /// - Returns: what it says.
    /// - Throws: `ResultFault` for everything that is no result.
    public static func read(from folder: ProjectFolder, job: String) throws(ResultFault) -> WorkerResult {
        try WorkerResult(json: try bytes(folder), job: job)
    }

    private static func bytes(_ folder: ProjectFolder) throws(ResultFault) -> [UInt8] {
        let path = ExchangeFolder.name.appending(ExchangeFolder.result)
        let number = Beneath.open(path, below: folder.number, Beneath.readFile, Beneath.withoutLinks)
        switch Int32(-number) {
        case ENOENT: throw ResultFault(.none, "The worker has left no .codex/result.json")
        case ELOOP: throw ResultFault(.link, ".codex/result.json or .codex is a link, which is not followed")
        case ENOTDIR, ENXIO, ENODEV: throw ResultFault(.notAFile, ".codex/result.json is no regular file")
        default:
            guard number >= 0 else {
                let reason = ErrnoName.described(Int32(-number))
                throw ResultFault(.unreadable, ".codex/result.json cannot be read: \(reason)")
            }
        }
        let (facts, result) = FileFacts.of(Int32(number))
        guard let facts else {
            _ = close(Int32(number))
            throw ResultFault(.unreadable, ".codex/result.json cannot be read: \(ErrnoName.described(Int32(-result)))")
        }
        let file = OpenedFile(owning: Int32(number), facts)
        guard facts.kind == .file else { throw ResultFault(.notAFile, ".codex/result.json is no regular file") }
        // What the server itself may have put there, for a worker that may write this one file only.
        guard facts.size > 0 else { throw ResultFault(.none, "The worker has left .codex/result.json empty") }
        // 0: removed since it was opened.
        guard facts.links <= 1 else { throw ResultFault(.hardLink, ".codex/result.json has another name as well") }
        do throws(WorkspaceError) {
            return try ProjectFolder.contents(file, path, sizeLimit)
        } catch {
            switch error.kind {
            case .tooMuch: throw ResultFault(.tooLarge, ".codex/result.json is larger than \(sizeLimit) bytes")
            case .noProject, .noJob, .noFile, .invalidPath, .unknownPolicy, .conflict, .noPage, .unavailable, .fault:
                throw ResultFault(.unreadable, ".codex/result.json cannot be read: \(error.detail)")
            }
        }
    }
}
