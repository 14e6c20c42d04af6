import Glibc
import PolicyCompiler
import SandboxPlan
import SandboxPolicy
import SandboxRuntime

/// `compile-policy --name NAME`: TOML on stdin, the compiled policy's bytes on stdout.
///
/// Called by `codex-sandbox` when its cache has no entry. With status 1, stdout has one problem a line instead.
enum CompilePolicyCommand {
    static func run(_ arguments: [OSString]) -> Int32 {
        guard arguments.count == 2, arguments[0] == "--name" else {
            return Output.misunderstood("compile-policy needs --name NAME", "codex-sandboxd help")
        }
        guard let name = arguments[1].utf8 else { return answer("the policy's name is not UTF-8") }
        guard let bytes = standardInput() else { return 3 }
        guard let text = OSString(bytes).utf8 else {
            return answer("\(name):1:1: the text is not UTF-8, which TOML has to be; save it as UTF-8")
        }
        do throws(PolicyError) {
            let compiled = try compilePolicy(name: name, text: text) { SHA256.digest(Array($0)) }
            let file = CompiledPolicyCoding.encode(compiled, toolVersion: ToolVersion.current) {
                SHA256.digest(Array($0))
            }
            return Output.write(file) == 0 ? 0 : 3
        } catch {
            return answer(error.description)
        }
    }

    private static func answer(_ problems: String) -> Int32 {
        Output.write(problems + "\n") == 0 ? 1 : 3
    }

    /// At most 256 KiB; nil when it cannot be read or is longer.
    private static func standardInput() -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0, bytes.count + count <= 256 << 10 else {
                Output.say("the policy's text cannot be read, or is longer than 256 KiB")
                return nil
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }
}
