import Glibc
import SandboxCLI

/// Our words to the caller: results to standard output, everything else to standard error with our name before it.
enum Output {
    /// Writes a result; 1 when it could not be written, so that nobody takes a cut-off text for the whole.
    static func write(_ text: String) -> Int32 {
        write(Array(text.utf8))
    }

    static func write(_ bytes: [UInt8]) -> Int32 {
        if put(bytes, to: STDOUT_FILENO) { return 0 }
        say("cannot write to standard output: \(String(cString: strerror(errno)))")
        return 1
    }

    /// One line to standard error; when even that fails there is nobody left to tell.
    static func say(_ line: String) {
        _ = put(Array("codex-sandbox: \(line)\n".utf8), to: STDERR_FILENO)
    }

    /// The same without our name.
    static func line(_ text: String) { _ = put(Array("\(text)\n".utf8), to: STDERR_FILENO) }

    /// Says what was wrong with the command line and where help is; the exit status for that.
    static func misunderstood(_ what: String, _ help: String) -> Int32 {
        say("\(what); see `\(help)`")
        return 2
    }

    /// The same in the launcher's words.
    static func misunderstood(_ error: UsageError) -> Int32 {
        _ = put(Array(OwnWords.usage(error).utf8), to: STDERR_FILENO)
        return error.exitStatus
    }

    private static func put(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return false
            }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
