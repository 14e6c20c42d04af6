import Foundation
import Glibc

extension Scene {
    /// Options that choose a policy with this text, a file of the caller's own.
    public func policy(_ text: String) throws -> [String] {
        let file = folder + "/policy.toml"
        try write("version = 1\n" + text, to: file)
        if caller == .root && chown(file, 0, 0) != 0 { throw TestFailure(call: "chown", on: file) }
        return ["--policy", file]
    }

    /// Runs a script outside as the worker would, from the workspace; what fails is a failure of the test.
    @discardableResult
    public func prepare(_ script: String) throws -> RunResult {
        let settings = ["user.name=a", "user.email=a@b", "init.defaultBranch=main", "protocol.file.allow=always"]
        let git = settings.map { "-c \($0)" }.joined(separator: " ")
        let result = try run(
            ["/bin/sh", "-ec", "git() { /usr/bin/git \(git) \"$@\"; }; \(script)"],
            keeper: Caller.workerOptions
        )
        guard result.ending == .exited(0) else { throw TestFailure("\(script): \(result.story)") }
        return result
    }
}
