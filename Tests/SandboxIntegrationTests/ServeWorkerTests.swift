import Foundation
import Glibc
import SandboxTestSupport
import Testing

/// Workers of `serve` that are missing, that take too long, and that give away what they have.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct ServeWorkerTests {
    /// Without a worker every job says so, in its place and in the file that clients wait for (ORC-20); the server stays.
    @Test func aMissingWorkerIsTheJobsError() throws {
        let scene = try Scene(.user)
        scene.environment["USE_DUMMY_WORKER"] = "False"
        scene.environment["CODEX_WORKER_IMAGE"] = "nope:latest"
        let script = """
            import json, subprocess
            def ask(path, *more):
                words = ['curl', '-sS', '-m', '100', '-w', '\\n%{http_code}', *more, '{BASE}' + path]
                body, status = subprocess.run(words, check=True, capture_output=True, text=True).stdout.rsplit('\\n', 1)
                return int(status), json.loads(body)
            status, project = ask('/api/v1/projects/', '-H', 'Content-Type: application/json',
                                  '-d', '{"instruction": "Generate a small CLI"}')
            print('project', status, project['status'])
            root = '/api/v1/' + project['id']
            job = ask(root + '/jobs')[1]['jobs'][0]['id']
            status, job = ask(root + '/jobs/' + job)
            print('job', status, job['status'], job['reason'])
            status, file = ask(root + '/files/.codex/result.json')
            result = json.loads(file['contents'])
            print('result', status, result['status'], result['errors'][0], result['job_id'] == job['id'])
            print('why', result['errors'][1])
            status, edit = ask(root + '/jobs', '-H', 'Content-Type: application/json',
                               '-d', '{"job_type": "edit", "instruction": "Append a comment line."}')
            print('edit', status, edit['status'])
            print('health', ask('/healthz')[0])
            """
        let result = try scene.served([], ["/usr/bin/python3", "-c", script])
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        try #require(result.lines.count == 6, "\(result.story)")
        var lines = result.lines
        let why = lines.remove(at: 3)
        #expect(why.hasPrefix("why there is no worker profile nope:latest"), "\(why)")
        #expect(
            lines == [
                "project 200 error", "job 200 error no-worker", "result 200 error no-worker True", "edit 200 error",
                "health 200",
            ]
        )
    }

    /// A job of two seconds' time that would sleep for sixty.
    @Test func aJobThatTakesTooLongEndsAndIsTold() throws {
        let scene = try Scene(.user)
        scene.environment["SLEEP_SECONDS"] = "60"
        scene.environment["PYTHONPATH"] = Scene.apiScript("")
        let policy = scene.folder + "/short.toml"
        try scene.write("version = 1\nextends = \"codex-worker\"\n[limits]\nwall = \"2s\"\n", to: policy)
        let result = try scene.served(
            ["--worker", "minimal", "--policy", policy],
            ["/usr/bin/python3", "-B", Scene.apiScript("wall_limit.py"), "{BASE}", "{PID}"]
        )
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        #expect(result.lines.count == 7 && result.lines.allSatisfy { $0.hasPrefix("ok ") }, "\(result.story)")
    }

    /// Clients use the token, right and wrong, and a job writes down its whole environment: it stands in no file and no command line.
    @Test func theTokenStandsNowhere() throws {
        let scene = try Scene(.user)
        let token = "canary-\(scene.token)-of-the-api"
        try scene.useOwnCache()
        try scene.putScriptWorker()
        scene.environment["API_TOKEN"] = token
        let process = try scene.startServed(
            ["--worker", "command"],
            ["/bin/bash", Scene.apiScript("token_canary.sh"), "{BASE}"]
        )
        let lines = CommandLines(token, below: try process.commandProcess())
        while !process.hasEnded() {
            try lines.look()
            usleep(10_000)
        }
        let result = try process.finish()
        #expect(result.ending == .exited(0) && result.left == 0, "\(result.story)")
        let answers = ["401", "401", "401", "200", "\"status\":\"completed\"", "200", "404", "422"]
        #expect(result.lines == answers && !result.story.contains(token), "\(result.story)")
        #expect(lines.found.isEmpty && lines.looks > 3, "\(lines.found) in \(lines.looks)")
        let none = try scene.files(below: scene.folder, with: token)
        #expect(none.status == .exited(1) && none.names.isEmpty, "\(none)")
        // What the job wrote, what was logged of it and of the requests, and the records were looked through.
        for (word, file) in [
            ("WORKSPACE_DIR=", "/all.txt"), ("listening on", "/server.log"), ("cat /proc/self/environ", "/codex.db"),
            ("launch-outcome", "/records.jsonl"),
        ] {
            let found = try scene.files(below: scene.folder, with: word)
            #expect(found.names.contains { $0.hasSuffix(file) || $0.hasSuffix(file + "-wal") }, "\(word): \(found)")
        }
        try scene.write(token, to: scene.workspace + "/control")
        let control = try scene.files(below: scene.folder, with: token)
        #expect(control.status == .exited(0) && control.names.count == 1, "\(control)")
    }
}
