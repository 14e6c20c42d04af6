import Foundation
import ProjectTree
import SandboxTestSupport

/// What tests of `serve` have in common: a server beside a command (`Support/api/with_server.py`).
extension Scene {
    /// A file of `Tests/Support/api`.
    static func apiScript(_ name: String) -> String {
        ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Support/api/\(name)").path(percentEncoded: false)
    }

    /// A server with these options in the workspace, and a command beside it; started.
    func startServed(_ options: [String], _ command: [String]) throws -> KeptProcess {
        try start(
            ["/usr/bin/python3", "-B", Self.apiScript("with_server.py"), workshop.launcher, workspace] + options
                + ["--"] + command,
            keeper: caller.keeperOptions + ["--deadline", "1500000"],
            environment: callerEnvironment
        )
    }

    /// The same to its end.
    func served(_ options: [String], _ command: [String]) throws -> RunResult {
        try startServed(options, command).finish()
    }

    /// A cache of this scene's own, in its folder, so that all that is written lies there.
    func useOwnCache() throws {
        let cache = folder + "/own-cache"
        try makeFolder(cache)
        environment["XDG_CACHE_HOME"] = cache
    }

    /// Files below a folder that contain a word, as grep(1) names them; the exit status says that all were looked at.
    func files(below folder: String, with word: String) throws -> (status: Ending, names: [String]) {
        let grep = try run(["grep", "-rlF", "-e", word, folder])
        return (grep.errors.isEmpty ? grep.ending : .exited(2), grep.lines.sorted())
    }

    /// The worker that carries instructions out as shell scripts, where the place can show it.
    func putScriptWorker() throws {
        let worker = folder + "/carry_out.sh"
        let text = try String(contentsOfFile: Self.apiScript("carry_out.sh"), encoding: .utf8)
        try write(text, to: worker, mode: 0o755)
        environment["CODEX_WORKER_COMMAND"] = worker
    }
}
