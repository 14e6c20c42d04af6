import Glibc
import PolicyCompiler
import SandboxPlan
import SandboxPolicy
import SandboxRuntime

/// `compile-policy`: `PolicyInputs` on stdin, the compiled policy's bytes on stdout.
///
/// Called by `codex-sandbox` when its cache has no entry. With status 1, stdout has one problem a line instead.
enum CompilePolicyCommand {
    static func run(_ arguments: [OSString]) -> Int32 {
        guard arguments.isEmpty else {
            return Output.misunderstood("compile-policy takes no words", "codex-sandboxd help")
        }
        guard let bytes = standardInput() else { return 3 }
        let inputs: PolicyInputs
        do throws(CompiledPolicyCodingError) {
            inputs = try bytes.withUnsafeBytes { buffer in
                Result { () throws(CompiledPolicyCodingError) in try PolicyInputs(buffer) }
            }.get()
        } catch {
            Output.say("what is to be compiled cannot be read: \(error)")
            return 3
        }
        for text in [inputs.named, inputs.project, inputs.ceiling] {
            if let text, SHA256.digest(text.text) != text.file.digest { return 3 }
        }
        let texts = PolicyTexts(settingsFolder: inputs.settingsFolder.isEmpty ? nil : inputs.settingsFolder)
        do throws(PolicyError) {
            let compiled = try compilePolicy(
                inputs,
                base: { (word, file) throws(BaseProblem) in
                    do throws(Refusal) {
                        return try texts.text(word, extendedBy: file)
                    } catch {
                        throw BaseProblem(why: why(error), remedy: error.remedy)
                    }
                },
                sha256: { SHA256.digest(Array($0)) }
            )
            let file = CompiledPolicyCoding.encode(compiled, toolVersion: ToolVersion.current) {
                SHA256.digest(Array($0))
            }
            return Output.write(file) == 0 ? 0 : 3
        } catch {
            return answer(error.description)
        }
    }

    private static func why(_ refusal: Refusal) -> String {
        if refusal.errno == 0 { return refusal.message }
        return "\(refusal.message) (\(String(cString: strerror(refusal.errno))))"
    }

    private static func answer(_ problems: String) -> Int32 {
        Output.write(problems + "\n") == 0 ? 1 : 3
    }

    /// At most 1 MiB, three texts of 256 KiB and their names; nil when it cannot be read or is longer.
    private static func standardInput() -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0, bytes.count + count <= 1 << 20 else {
                Output.say("what is to be compiled cannot be read, or is longer than 1 MiB")
                return nil
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }
}
