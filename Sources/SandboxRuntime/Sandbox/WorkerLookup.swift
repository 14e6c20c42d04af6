internal import CShims
internal import SandboxKernel
internal import SandboxPlan

/// The file that a process will execute, looked up in its place.
enum WorkerLookup {
    /// - Parameters:
    ///   - process: with its candidates.
    ///   - root: of the place.
    /// - Returns: the first candidate that is there, if any.
    static func executable(_ process: ProcessPlan, root: Int32) -> WorkerExecutable? {
        for candidate in process.candidates {
            let path = candidate.isAbsolute ? candidate : process.workingDirectory.appending(candidate)
            let number = path.withPointer { cs_openat2(root, $0, UInt64(CS_O_PATH), 0, UInt64(CS_RESOLVE_IN_ROOT)) }
            guard number >= 0 else { continue }
            let file = OwnedFileDescriptor(owning: Int32(number))
            do throws(SyscallError) {
                return try WorkerExecutable.observed(path: path, descriptor: file.number)
            } catch {
                continue  // it cannot be executed either, and execve(2) will say why
            }
        }
        return nil
    }
}
