import Glibc
import SandboxPlan
import SandboxRuntime

/// Whether a job may have written what lies in a folder: then nobody but a person's word makes it settings.
///
/// A job writes files with its caller's account and modes, so these tell nothing; the records of launches do.
struct JobsInFolder {
    /// The folder itself or one around it, in which jobs have run.
    let workspace: OSString
    let records: OSString

    /// Of the current folder.
    ///
    /// - Parameter stateFolder: `--state-dir`; nil for the usual place, which is looked at in either case.
    /// - Returns: nil where the records know of no job.
    /// - Throws: `ServeError` where that cannot be seen.
    static func here(_ stateFolder: OSString?) throws(ServeError) -> JobsInFolder? {
        var usual: OSString?
        do throws(EvidenceError) { usual = try Places.stateFolder(nil) } catch {
            // Without a home there is no such place, and no records in it.
            if stateFolder == nil { throw ServeError("\(error)") }
        }
        for state in [stateFolder, usual] {
            if let state, let found = try here(recordedIn: state) { return found }
        }
        return nil
    }

    private static func here(recordedIn state: OSString) throws(ServeError) -> JobsInFolder? {
        var folder = try SettingsFile.absolute(
            ".",
            of: "the current folder",
            remedy: "start in another one"
        )
        while true {
            let records = EvidenceLocation(stateFolder: state, workspace: folder).records.parent
            var status = stat()
            if CString.with(records, { lstat($0, &status) }) == 0 {
                return JobsInFolder(workspace: folder, records: records)
            }
            guard errno == ENOENT || errno == ENOTDIR else {
                throw ServeError(
                    "whether jobs have run in \(folder) cannot be seen: \(records): \(ErrnoName.described(errno)); name the file of settings with --env-file"
                )
            }
            if folder == "/" { return nil }
            folder = folder.parent
        }
    }

    /// Why a file is not read that nobody has named.
    func refusal(of file: OSString) -> ServeError {
        // `.env.live` gives credentials alone; named as a file of settings it would say everything.
        let remedy = file == ".env" ? "then name it: --env-file .env" : "and put what it says into the environment"
        return ServeError(
            "\(file) may have been written by a job: jobs have run in \(workspace) (\(records)). Look through it, \(remedy)"
        )
    }
}
