internal import CShims
internal import Glibc
internal import SandboxPlan
internal import SandboxRuntime

/// A process that makes an attempt, or a launch in which one is made, and what it said.
struct AttemptProcess {
    /// What it wrote to standard output.
    var output: [UInt8]
    var error: [UInt8]
    /// The wait status's exit code; 128 and more for a signal.
    var status: Int32

    /// The attempt began: nothing before it failed.
    var began: Bool { AttemptProcess.contains(output, "begin\n") }

    /// How the attempt ended: 0 or an errno; nil where it did not come to say so.
    var errno: Int32? {
        let words = Array("ended with ".utf8)
        let lines = output.split(separator: UInt8(ascii: "\n"))
        guard let line = lines.last, line.starts(with: words) else { return nil }
        return Int32(String(decoding: line.dropFirst(words.count), as: UTF8.self))
    }

    /// The exit status in words, of a process that did not come to say how its attempt ended.
    var ending: String { status > 128 ? SignalName.name(status - 128) : "status \(status)" }

    func shows(_ token: String) -> Bool { AttemptProcess.contains(output, token) }

    private static func contains(_ bytes: [UInt8], _ text: String) -> Bool {
        let wanted = Array(text.utf8)
        guard bytes.count >= wanted.count else { return false }
        for start in 0...(bytes.count - wanted.count) where bytes[start...].starts(with: wanted) { return true }
        return false
    }

    /// Runs `words` to their end, with the token in the environment and the secret left open; nil when that fails.
    static func run(_ words: [OSString], in place: VerifyPlace, terminal: Bool) -> AttemptProcess? {
        let files = [place.workspace.parent.appending("stdout"), place.workspace.parent.appending("stderr")]
        var descriptors: [Int32] = []
        defer { descriptors.forEach { close($0) } }
        for file in files {
            descriptors.append(open(FactFile.cString(file), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
        }
        descriptors.append(open(FactFile.cString(place.secret), O_RDONLY | O_CLOEXEC))
        descriptors.append(terminal ? dup(place.terminal.slave) : open("/dev/null", O_RDONLY | O_CLOEXEC))
        guard descriptors.allSatisfy({ $0 >= 0 }) else { return nil }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let wanted = [
            (descriptors[3], 0), (descriptors[0], 1), (descriptors[1], 2), (descriptors[2], VerifyPlace.leftOpen),
        ]
        for (from, to) in wanted { posix_spawn_file_actions_adddup2(&actions, from, Int32(to)) }
        let variable = OSString(VerifyPlace.variable.bytes + Array("=\(place.token)".utf8))
        var pid: pid_t = 0
        let program = FactFile.cString(words[0])
        let code = withStrings(words) { words in
            withStrings(CallerStrings.environment + [variable]) { environment in
                posix_spawn(&pid, program, &actions, nil, words, environment)
            }
        }
        guard code == 0 else { return nil }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && Glibc.errno == EINTR {}
        let signal = status & 0x7F
        return AttemptProcess(
            output: content(descriptors[0]),
            error: content(descriptors[1]),
            status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal
        )
    }

    private static func content(_ file: Int32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = pread(file, &bytes, bytes.count, 0)
        return Array(bytes[..<max(0, count)])
    }

    /// Lends the list as execve(2) wants it.
    private static func withStrings<Result>(
        _ strings: [OSString],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup(FactFile.cString($0)) }
        defer { pointers.forEach { free($0) } }
        pointers.append(nil)
        return body(pointers)
    }
}
