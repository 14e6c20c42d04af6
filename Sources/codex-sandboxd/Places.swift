import Glibc
import SandboxPlan
import SandboxRuntime

/// Which records a command line means.
enum Places {
    static func stateFolder(_ option: OSString?) throws(EvidenceError) -> OSString {
        try StateFolder.path(flag: option, environment: CallerStrings.all(environ))
    }

    /// The records of a workspace; of the current folder where none is named.
    static func location(state: OSString?, workspace: OSString?) throws(EvidenceError) -> EvidenceLocation {
        EvidenceLocation(stateFolder: try stateFolder(state), workspace: try resolved(workspace ?? "."))
    }

    /// The path as the launch recorded it: without links; of a folder that is gone, as it was given.
    private static func resolved(_ given: OSString) throws(EvidenceError) -> OSString {
        let resolved = CString.with(given) { realpath($0, nil) }
        let code = errno
        if let resolved {
            defer { free(resolved) }
            return OSString(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
        }
        if code == ENOENT, let path = given.normalised { return path }
        throw EvidenceError(
            action: "find the workspace",
            subject: given,
            call: "realpath",
            errno: code,
            remedy: "give the folder's absolute path with --workspace DIR"
        )
    }
}
