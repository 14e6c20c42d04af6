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
        let resolved = cString(given) { realpath($0, nil) }
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

    /// Lends the bytes with the NUL that the C library wants.
    private static func cString<Result>(_ text: OSString, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (text.bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
            // The buffer holds at least the NUL, so it has an address.
            guard let start = buffer.baseAddress else { preconditionFailure("an empty buffer with a NUL in it") }
            return body(start)
        }
    }
}
