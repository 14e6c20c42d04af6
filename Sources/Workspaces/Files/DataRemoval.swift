internal import CShims
internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// Takes away a folder in which jobs may have made anything: deep trees, folders without rights, links to elsewhere.
public enum DataRemoval {
    private static let patience: Int64 = 600

    /// Removes a folder with everything in it; no link is followed below its parent, and no other mount entered.
    ///
    /// - Parameter path: absolute.
    /// - Throws: `WorkspaceError` with what is in the way; what was removed until then is gone.
    public static func remove(_ path: OSString) throws(WorkspaceError) {
        let number = path.parent.withTerminator { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard number >= 0 else { throw ProjectFolder.fault("open", path.parent, Int(-errno)) }
        let parent = OwnedFileDescriptor(owning: number)
        try FolderRemoval.all(path.lastComponent, in: parent.number, seconds: patience)
    }
}
