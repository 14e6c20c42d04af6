import Glibc
import SandboxCLI
import SandboxPlan
import SandboxRuntime
import WorkspaceStore

/// `db backup`: the database at one moment and all records, in a folder that appears whole or not at all.
struct BackupCommand {
    let options: DatabaseOptions
    let database: DatabaseURL
    let folder: OSString

    func run() throws(ServeError) -> Int32 {
        guard !BackupFile.isThere(folder) else {
            throw ServeError("\(folder) is there already; name a folder that is not")
        }
        let work = OSString(folder.bytes + Array(".partial-\(getpid())".utf8))
        try BackupFile.makeFolder(work)
        let manifest: BackupManifest
        do throws(ServeError) {
            manifest = try fill(work)
            _ = try BackupFile.write(work.appending(BackupManifest.name)) { (put) throws(ServeError) in
                try put(manifest.json)
            }
            try BackupFile.settle(work)
            try BackupFile.move(work, folder)
            try BackupFile.settle(folder.parent)
        } catch {
            do throws(ServeError) { try BackupFile.removeAll(work) } catch { Output.say(error.text) }
            throw error
        }
        for workspace in manifest.workspaces where workspace.problems.count > 0 {
            Output.say("the records of workspace \(workspace.id) do not verify; they are in the backup as they are")
        }
        let bytes = manifest.files.values.reduce(UInt64(0)) { $0 + $1.bytes }
        return Output.write(
            options.json
                ? manifest.json
                : Array(
                    "\(folder): database (schema \(manifest.schema)) and the records of \(manifest.workspaces.count) workspaces, \(bytes) bytes\n"
                        .utf8
                )
        )
    }

    /// The database first: every launch that its jobs name is in the records then.
    private func fill(_ work: OSString) throws(ServeError) -> BackupManifest {
        let copy = work.appending(OSString(BackupManifest.databaseName))
        let schema: Int
        do throws(StoreError) {
            schema = try DatabaseAdministration(database, tool: ToolVersion.current).backUp(to: copy.description)
        } catch { throw ServeError("\(error)") }
        var manifest = BackupManifest(created: "\(StoredTime.now().iso)Z", tool: ToolVersion.current, schema: schema)
        manifest.files[BackupManifest.databaseName] = try BackupFile.digest(copy)
        try BackupFile.makeFolder(work.appending("evidence"))
        let keys = Keys(environment: CallerStrings.all(environ))
        if let pem = try ServeError.records({ () throws(EvidenceError) in try keys.publicHalf() }) {
            let path = work.appending(OSString(BackupManifest.keyName))
            manifest.files[BackupManifest.keyName] = try BackupFile.write(path) { (put) throws(ServeError) in
                try put(pem)
            }
        }
        let (locations, verification) = try ServeError.records { () throws(EvidenceError) in
            (
                try EvidenceCollector.workspaces(stateFolder: try Places.stateFolder(options.stateDirectory)),
                try keys.verification([])
            )
        }
        for location in locations { try copyRecords(location, to: work, verification, &manifest) }
        return manifest
    }

    private func copyRecords(
        _ location: EvidenceLocation,
        to work: OSString,
        _ keys: SignatureKeys,
        _ manifest: inout BackupManifest
    ) throws(ServeError) {
        let id = location.workspaceID
        let folder = work.appending("evidence").appending(OSString(id))
        try BackupFile.makeFolder(folder)
        for file in EvidenceCopy.File.allCases {
            let path = folder.appending(OSString(file.rawValue))
            var isThere = false
            let digest = try BackupFile.write(path) { (put) throws(ServeError) in
                isThere = try copy(file, of: location, put)
            }
            if isThere {
                manifest.files[BackupManifest.name(of: file, id)] = digest
            } else {
                try BackupFile.removeAll(path)
            }
        }
        try BackupFile.settle(folder)
        let report = try ServeError.records { () throws(EvidenceError) -> ChainReport? in
            guard let copied = EvidenceLocation(stateFolder: work, workspaceID: OSString(id)) else { return nil }
            return try ChainVerifier.verify(copied, keys: keys)
        }
        // A folder in which nothing was ever recorded.
        guard manifest.files[BackupManifest.name(of: .records, id)] != nil, let report, !report.hasNoRecords else {
            manifest.files[BackupManifest.name(of: .records, id)] = nil
            manifest.files[BackupManifest.name(of: .signatures, id)] = nil
            return try BackupFile.removeAll(folder)
        }
        manifest.workspaces.append(
            BackupManifest.Workspace(id: id, problems: KnownProblems(report), head: report.head.map { "\($0)" })
        )
    }

    private func copy(
        _ file: EvidenceCopy.File,
        of location: EvidenceLocation,
        _ put: ([UInt8]) throws(ServeError) -> Void
    ) throws(ServeError) -> Bool {
        var failed: ServeError?
        let isThere = try ServeError.records { () throws(EvidenceError) in
            try EvidenceCopy.read(file, of: location) { (piece) in
                do throws(ServeError) { if failed == nil { try put(piece) } } catch { failed = error }
            }
        }
        if let failed { throw failed }
        return isThere
    }
}
