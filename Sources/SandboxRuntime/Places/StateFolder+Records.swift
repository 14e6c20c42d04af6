internal import Glibc
internal import SandboxKernel
public import SandboxPlan

extension StateFolder {
    /// Makes the folder of all records, if it is missing, and sees whether one could be written there now.
    ///
    /// For whoever launches for others later: a launch itself finds out.
    ///
    /// - Parameter path: of `path(flag:environment:)`.
    /// - Throws: `EvidenceError` where a launch would be refused because of it.
    public static func prepare(_ path: OSString) throws(EvidenceError) {
        guard let state = try EvidenceFolder.state(path, make: true),
            let records = try state.folder(EvidenceLocation.folderName, make: true)
        else {
            throw EvidenceError(
                action: "open the folder",
                subject: path,
                cause: "it went away as soon as it was there",
                remedy: EvidenceFolder.remedy
            )
        }
        // Not by modes alone: a file system may be read-only (access(2), EROFS).
        guard faccessat(records.descriptor.number, ".", W_OK | X_OK, AT_EACCESS) == 0 else {
            throw EvidenceError(
                action: "write into the folder",
                subject: records.path,
                call: "faccessat",
                errno: errno,
                remedy: EvidenceFolder.remedy
            )
        }
    }
}
