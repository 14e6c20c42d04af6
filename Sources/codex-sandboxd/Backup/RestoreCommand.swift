import Glibc
import SandboxCLI
import SandboxPlan
import SandboxRuntime
import WorkspaceStore

/// `db restore`: everything is beside its place and verified before anything is put there.
///
/// Until the mark stands beside the database, nothing of what was there has changed. From then on the restore only goes on: no server
/// starts, and the same command ends it. What was there is kept, under other names.
struct RestoreCommand {
    let options: DatabaseOptions
    let database: DatabaseURL
    /// The backup.
    let folder: OSString

    func run() throws(ServeError) -> Int32 {
        let target: DatabaseReplacement
        let state: OSString
        do throws(StoreError) { target = try DatabaseReplacement(database) } catch { throw ServeError("\(error)") }
        do throws(EvidenceError) {
            state = try Places.stateFolder(options.stateDirectory)
        } catch { throw ServeError("\(error.message); \(error.remedy)") }
        if target.isBegun {
            try finish(target)
            return Output.write("the restore that was interrupted is ended: \(target.path)\n")
        }
        try checkTarget(target, state)
        let manifest = try BackupManifest(reading: folder)
        do throws(ServeError) {
            try stage(manifest, target, state)
            try begin(target, state)
        } catch {
            guard !target.isBegun else { throw error }
            try BackupFile.removeAll(staging(state))
            try BackupFile.removeAll(OSString(target.stagedPath))
            throw error
        }
        try finish(target)
        return Output.write(
            "\(target.path) and the records of \(manifest.workspaces.count) workspaces are those of \(manifest.created)\n"
        )
    }

    // MARK: - Before anything is changed

    private func checkTarget(_ target: DatabaseReplacement, _ state: OSString) throws(ServeError) {
        let running: RunningJobs.Found
        do throws(EvidenceError) { running = try RunningJobs.find() } catch {
            throw ServeError("\(error.message); \(error.remedy)")
        }
        if let job = running.jobs.first(where: { $0.records.isWithin(state) }) {
            throw ServeError(
                "a job of process \(job.supervisor) writes its records below \(state); wait for its end, or end it"
            )
        }
        guard !options.replaces else { return }
        let records = try BackupFile.names(state.appending("evidence")) ?? []
        guard !target.exists, records.isEmpty else {
            let what = target.exists ? "there is a database \(target.path)" : "there are records below \(state)"
            throw ServeError(
                "\(what); --replace puts the backup in its place, and keeps what is there under another name"
            )
        }
    }

    private func staging(_ state: OSString) -> OSString { state.appending(".restored") }

    private func stage(
        _ manifest: BackupManifest,
        _ target: DatabaseReplacement,
        _ state: OSString
    ) throws(ServeError) {
        let staging = staging(state)
        try BackupFile.removeAll(staging)
        try BackupFile.removeAll(OSString(target.stagedPath))
        _ = try DataFolder.made(staging)
        try BackupFile.makeFolder(staging.appending("evidence"))
        for (name, digest) in manifest.files.sorted(by: { $0.key < $1.key }) {
            let path: OSString
            switch name {
            case BackupManifest.databaseName: path = OSString(target.stagedPath)
            case BackupManifest.keyName: path = staging.appending(OSString(name))
            default:
                path = staging.appending(OSString(name))
                if !BackupFile.isThere(path.parent) { try BackupFile.makeFolder(path.parent) }
            }
            let copied = try BackupFile.write(path) { (put) throws(ServeError) in
                try BackupFile.read(folder.appending(OSString(name)), put)
            }
            guard copied == digest else {
                throw ServeError(
                    "\(folder)/\(name) is not what was backed up: its SHA-256 is \(copied.sha256), and the manifest says \(digest.sha256); "
                        + "take another backup; nothing was changed"
                )
            }
        }
        let staged: DatabaseURL
        do throws(DatabaseURLError) { staged = try DatabaseURL("sqlite:///\(target.stagedPath)") } catch {
            throw ServeError("\(error)")
        }
        do throws(StoreError) {
            _ = try DatabaseAdministration(staged, tool: ToolVersion.current).checkCopy()
        } catch { throw ServeError("\(error); nothing was changed") }
        for workspace in manifest.workspaces { try verify(workspace, staging) }
    }

    private func verify(_ workspace: BackupManifest.Workspace, _ staging: OSString) throws(ServeError) {
        let key = staging.appending(OSString(BackupManifest.keyName))
        let report = try ServeError.records { () throws(EvidenceError) -> ChainReport? in
            let keys = try Keys(environment: CallerStrings.all(environ)).verification(
                BackupFile.isThere(key) ? [key] : []
            )
            // What was not signed yet when the backup was made is no fault of it.
            let asked = SignatureKeys(keys: keys.keys, areRequired: false, origin: keys.origin)
            guard let location = EvidenceLocation(stateFolder: staging, workspaceID: OSString(workspace.id)) else {
                return nil
            }
            return try ChainVerifier.verify(location, keys: asked)
        }
        guard let report, workspace.problems.agree(with: report),
            report.head.map({ "\($0)" }) == workspace.head
        else {
            let problem = report?.problems.first.map { ": \($0.what)" } ?? ""
            throw ServeError(
                "the records of workspace \(workspace.id) in the backup do not verify as they did when it was made\(problem); nothing was changed"
            )
        }
    }

    // MARK: - In its place

    private func begin(_ target: DatabaseReplacement, _ state: OSString) throws(ServeError) {
        let staging = staging(state)
        for path in [staging.appending("evidence"), staging, state, OSString(target.path).parent] {
            try BackupFile.settle(path)
        }
        let mark = OSString(target.markPath)
        let work = OSString(mark.bytes + Array(".new".utf8))
        try BackupFile.removeAll(work)
        let ending = ".before-restore-\(StoredTime.now().iso)"
        _ = try BackupFile.write(work) { (put) throws(ServeError) in
            let object = JSONObject([("ending", .string(ending)), ("state", .string(state.description))])
            try put(JSONValue.object(object).canonical.bytes)
        }
        try BackupFile.move(work, mark)
        try BackupFile.settle(mark.parent)
    }

    private func finish(_ target: DatabaseReplacement) throws(ServeError) {
        let mark = OSString(target.markPath)
        var bytes: [UInt8] = []
        try BackupFile.read(mark) { (piece) in bytes += piece }
        let value: JSONValue
        do throws(JSONError) { value = try JSONReader.value(in: bytes) } catch {
            throw ServeError("\(mark) cannot be understood (\(error)); move it away after a look at what is beside it")
        }
        guard let ending = value["ending"]?.string, let path = value["state"]?.string else {
            throw ServeError("\(mark) cannot be understood; move it away after a look at what is beside it")
        }
        let state = OSString(path)
        let (staged, evidence) = (staging(state).appending("evidence"), state.appending("evidence"))
        if BackupFile.isThere(staged) {
            if BackupFile.isThere(evidence) {
                try BackupFile.move(evidence, try free(OSString(evidence.bytes + Array(ending.utf8))))
            }
            try BackupFile.move(staged, evidence)
            try BackupFile.settle(state)
        }
        do throws(StoreError) { try target.finish(movingOldTo: ending) } catch { throw ServeError("\(error)") }
        try BackupFile.settle(mark.parent)
        try BackupFile.removeAll(staging(state))
        try BackupFile.removeAll(mark)
        try BackupFile.settle(mark.parent)
    }

    /// A launch may have begun new records meanwhile: they are kept, too.
    private func free(_ path: OSString) throws(ServeError) -> OSString {
        var found = path
        var number = 1
        while BackupFile.isThere(found) {
            number += 1
            found = OSString(path.bytes + Array("-\(number)".utf8))
        }
        return found
    }
}
