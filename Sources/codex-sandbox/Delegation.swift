internal import Glibc
internal import SandboxCLI
internal import SandboxKernel
internal import SandboxPlan

/// Hands a command over to `codex-sandboxd`, which takes this process's place.
enum Delegation {
    /// Returns only when that failed.
    static func execute(_ words: [OSString]) -> Int32 {
        let remedy = "Install codex-sandboxd beside codex-sandbox, or in ../libexec/codex-sandbox/."
        switch CompanionExecutable.find() {
        case .found(let path):
            let code = exec(path, [path] + words)
            return refuse("\(path) cannot be executed", errno: code, remedy: "codex-sandbox doctor says more.")
        case .absent(let tried):
            let places = tried.map(\.description).joined(separator: " and not at ")
            return refuse("codex-sandboxd is not at \(places)", errno: 0, remedy: remedy)
        case .unusable(let path, let why):
            return refuse("\(path) is not executed: \(why)", errno: 0, remedy: remedy)
        case .unknown(let errno):
            return refuse("/proc/self/exe cannot be read", errno: errno, remedy: "sudo mount -t proc proc /proc")
        }
    }

    private static func refuse(_ message: String, errno: Int32, remedy: String) -> Int32 {
        Output.say(OwnWords.refusal(Refusal(stage: "delegate", errno: errno, message: "\(message).", remedy: remedy)))
        return ExitStatus.refused
    }

    /// The errno of execve(2).
    private static func exec(_ path: OSString, _ words: [OSString]) -> Int32 {
        var pointers: [UnsafeMutablePointer<CChar>?] = []
        defer { pointers.forEach { free($0) } }
        for word in words {
            guard let copy = strdup(word.bytes.map { CChar(bitPattern: $0) } + [0]) else { return ENOMEM }
            pointers.append(copy)
        }
        pointers.append(nil)
        execve(path.bytes.map { CChar(bitPattern: $0) } + [0], pointers, environ)
        return errno
    }
}
