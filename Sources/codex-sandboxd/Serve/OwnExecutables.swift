import Glibc
import SandboxPlan

/// The other executables of this installation: beside this one, or where packages put them; never by PATH.
enum OwnExecutables {
    static func launcher() throws(ServeError) -> OSString { try find("codex-sandbox", ["", "../../bin/"]) }

    static func worker() throws(ServeError) -> OSString {
        try find("codex-sandbox-worker", ["", "../libexec/codex-sandbox/"])
    }

    private static func find(_ name: String, _ places: [String]) throws(ServeError) -> OSString {
        guard let own = realpath("/proc/self/exe", nil) else {
            throw ServeError("where this program is cannot be found (\(ErrnoName.described(errno))); is /proc mounted?")
        }
        defer { free(own) }
        let folder = OSString(UnsafeRawBufferPointer(start: own, count: strlen(own))).parent
        for place in places {
            let path = "\(String(decoding: folder.bytes, as: UTF8.self))/\(place)\(name)"
            guard let found = realpath(path, nil) else { continue }
            defer { free(found) }
            if access(found, X_OK) == 0 { return OSString(UnsafeRawBufferPointer(start: found, count: strlen(found))) }
        }
        throw ServeError(
            "\(name) is not beside \(folder)/codex-sandboxd; install all executables of one version together"
        )
    }
}
