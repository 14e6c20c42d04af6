import Foundation
import ProjectTree
import SandboxTestSupport
import Testing

/// `worker.command`: a policy names what the jobs of `serve --worker command` run, and a project's can only narrow it.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct WorkerCommandTests {
    private let scene: Scene

    init() throws {
        scene = try Scene(.user)
        let policies = scene.home + "/.config/codex-sandbox/policies"
        for folder in [scene.home + "/.config", scene.home + "/.config/codex-sandbox", policies] {
            try scene.makeFolder(folder)
        }
        for (name, text) in [
            ("server", Self.command("of the policy")), ("same", "extends = \"server\"\n[limits]\ntasks = 64\n"),
            ("other", Self.command("another")), ("none", "extends = \"server\"\n[worker]\ncommand = []\n"),
        ] {
            try scene.write(
                "version = 1\n" + (text.hasPrefix("extends") ? "" : "extends = \"codex-worker\"\n") + text,
                to: "\(policies)/\(name).toml"
            )
        }
    }

    /// A worker that says one sentence.
    private static func command(_ summary: String) -> String {
        let script = """
            import json
            result = {"status": "success", "summary": "\(summary)", "created_files": [], "modified_files": [], "errors": [], "logs": []}
            open(".codex/result.json", "w").write(json.dumps(result))
            """
        return "[worker]\ncommand = [\"/usr/bin/python3\", \"-c\", '''\n\(script)\n''']\n"
    }

    private func serve(_ script: String) throws -> RunResult {
        let server = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Support/api/with_server.py").path(percentEncoded: false)
        return try scene.start(
            [
                "/usr/bin/python3", "-B", server, scene.workshop.launcher, scene.workspace, "--worker", "command",
                "--policy", "server", "--", "/bin/sh", "-c", script,
            ],
            keeper: scene.caller.keeperOptions + ["--deadline", "900000"],
            environment: scene.callerEnvironment
        ).finish()
    }

    /// Makes a project, and prints the outcome of its job.
    private func create(_ policy: String? = nil, before next: String = "") -> String {
        let choice = policy.map { ",\"policy\":\"\($0)\"" } ?? ""
        return """
            curl -sS -m 60 -H 'Content-Type: application/json' -d '{"instruction":"say it"\(choice)}' {BASE}/api/v1/projects/ >answer
            id=$(python3 -c 'import json; print(json.load(open("answer")).get("id", ""))')
            if [ -z "$id" ]; then cat answer; exit 0; fi
            job=$(curl -sS {BASE}/api/v1/$id/jobs | python3 -c 'import json, sys; print(json.load(sys.stdin)["jobs"][-1]["id"])')
            curl -sS {BASE}/api/v1/$id/jobs/$job
            \(next)
            """
    }

    @Test func theServersPolicyNamesIt() throws {
        let result = try serve(create(before: "curl -sS {BASE}/api/v1/$id/plan"))
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.outputText.contains("\"status\":\"completed\""), "\(result.story)")
        #expect(result.outputText.contains("of the policy\""), "\(result.story)")
        #expect(result.outputText.contains("\"worker\":\"command\""), "\(result.story)")
        // The plan says what would run.
        #expect(result.outputText.contains("\nprocess\n  /usr/bin/python3 -c "), "\(result.story)")
    }

    @Test func aProjectsPolicyMayHaveTheSameOrNone() throws {
        let same = try serve(create("same"))
        #expect(same.ending == .exited(0) && same.outputText.contains("of the policy\""), "\(same.story)")
        let none = try serve(create("none"))
        #expect(none.ending == .exited(0) && none.outputText.contains("\"reason\":\"no-worker\""), "\(none.story)")
        let other = try serve(create("other"))
        #expect(other.ending == .exited(0) && other.outputText.contains("\"code\":422"), "\(other.story)")
        #expect(other.outputText.contains("gives more than the server's: worker.command"), "\(other.story)")
    }

    /// A file in the workspace takes the command away, and puts no other in its place.
    @Test(arguments: [("[]", "no-worker"), ("[\"/bin/true\"]", "refused")])
    func aProjectsOwnFileOnlyTakesItAway(command: String, reason: String) throws {
        let again = """
            printf 'version = 1\\n[worker]\\ncommand = \(command)\\n' >workspaces/$id/.codex-sandbox.toml
            echo; curl -sS -m 60 -X POST {BASE}/api/v1/$id/jobs/$job/rerun >answer
            job=$(python3 -c 'import json; print(json.load(open("answer"))["id"])')
            curl -sS {BASE}/api/v1/$id/jobs/$job
            """
        let result = try serve(create(before: again))
        #expect(result.ending == .exited(0), "\(result.story)")
        #expect(result.lines.first?.contains("\"status\":\"completed\"") == true, "\(result.story)")
        #expect(result.lines.last?.contains("\"reason\":\"\(reason)\"") == true, "\(result.story)")
    }

    /// What the operator says beside the policy comes first, as for every setting.
    @Test func theSettingComesFirst() throws {
        let worker = scene.folder + "/worker.sh"
        let text = """
            #!/bin/sh
            printf '{"status":"success","summary":"of the setting","created_files":[],"modified_files":[],"errors":[],"logs":[]}' \
                >/workspace/.codex/result.json
            """
        try scene.write(text + "\n", to: worker, mode: 0o755)
        scene.environment["CODEX_WORKER_COMMAND"] = worker
        let result = try serve(create())
        #expect(result.ending == .exited(0) && result.outputText.contains("of the setting\""), "\(result.story)")
    }
}
