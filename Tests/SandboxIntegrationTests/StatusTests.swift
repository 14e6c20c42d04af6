import Foundation
import SandboxTestSupport
import Testing

/// `run --name` and `status`: what runs is shown, and nothing else.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct StatusTests {
    private func status(_ scene: Scene, _ words: [String] = []) throws -> RunResult {
        try scene.run([scene.workshop.launcher, "status"] + words, keeper: scene.caller.keeperOptions)
    }

    /// Jobs in the workspace of this scene: other tests of the same user run at the same time.
    private func jobs(_ scene: Scene) throws -> [[String: Any]] {
        let result = try status(scene, ["--json"])
        #expect(result.ending == .exited(0), "\(result.story)")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any])
        let jobs = try #require(object["jobs"] as? [[String: Any]])
        return jobs.filter { $0["workspace"] as? String == scene.workspace }
    }

    private func waiting(_ scene: Scene, _ options: [String] = []) throws -> KeptProcess {
        let job = try scene.startInside(["/bin/sh", "-c", "echo begun; exec sleep 600"], options: options)
        try job.line("begun")
        return job
    }

    private func end(_ job: KeptProcess) throws -> RunResult {
        try job.signal(SIGTERM)
        return try job.finish()
    }

    @Test(arguments: Caller.available) func aRunningJobIsShownAndAnEndedOneIsNot(caller: Caller) throws {
        let scene = try Scene(caller)
        #expect(try jobs(scene).isEmpty)
        let name = Scene.randomWord()
        let job = try waiting(scene, ["--name", name, "--pids", "77"])
        let found = try #require(try jobs(scene).first)
        #expect(found["name"] as? String == name && found["state"] as? String == "running")
        #expect(found["pid"] as? Int == Int(try job.commandProcess()))
        #expect(found["policy"] as? String == "workspace-write" && found["network"] as? String == "off")
        #expect(found["command"] as? [String] == ["/bin/sh", "-c", "echo begun; exec sleep 600"])
        let layers = try #require(found["layers"] as? [String: String])
        #expect(layers["seccomp"] == "enforced" && layers.count == 20, "\(layers)")
        let limits = try #require(found["limits"] as? [[String: String]])
        #expect(limits.contains(["limit": "tasks", "mechanism": limits[0]["mechanism"] ?? "", "value": "77"]))
        let usage = try #require(found["usage"] as? [String: Any])
        // pid 1 of the place and the command.
        #expect(usage["tasks"] as? Int == 2, "\(usage)")
        let table = try status(scene, [name])
        #expect(table.ending == .exited(0) && table.lines.count == 2, "\(table.story)")
        #expect(table.lines[0].hasPrefix("NAME ") && table.lines[1].hasPrefix(name + " "))
        #expect(table.lines[1].contains("2 of 77") && table.lines[1].contains(scene.workspace))
        _ = try end(job)
        #expect(try jobs(scene).isEmpty)
        let gone = try status(scene, [name])
        #expect(gone.ending == .exited(1) && gone.output == [] && gone.errorText.contains(name), "\(gone.story)")
    }

    /// Without a namespace of its own: what stands below the keeper is the job, and none of it can pose as a supervisor.
    ///
    /// Alone: its limit of tasks counts all processes of the account, those of other tests too.
    @Test(.runsAlone) func aJobWithoutNamespacesIsShownAndPosesAsNone() throws {
        let scene = try Scene(.user)
        let name = Scene.randomWord()
        let forged = scene.workspace + "/evidence/" + String(repeating: "a", count: 32)
        try scene.prepare("mkdir -p \(forged); : >\(forged)/records.jsonl")
        try scene.write(
            """
            import subprocess, sys, time
            held, memory = open("\(forged)/records.jsonl", "r" if sys.argv[1] == "reads" else "a"), bytearray(20_000_000)
            if sys.argv[1] == "two": subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
            print("begun", flush=True)
            time.sleep(600)
            """,
            to: scene.workspace + "/run"
        )
        // It looks like `codex-sandbox run two`, and has a file of records open to append to it.
        func poser(_ word: String) -> [String] {
            ["/bin/bash", "-c", "cd \(scene.workspace) && exec -a codex-sandbox /usr/bin/python3 run \(word)"]
        }
        let job = try scene.startInside(
            poser("two"),
            options: ["--policy", "landlock-only", "--pids", "177", "--name", name]
        )
        try job.line("begun")
        let found = try #require(try jobs(scene).first)
        #expect(found["policy"] as? String == "landlock-only" && found["name"] as? String == name)
        let usage = try #require(found["usage"] as? [String: Any])
        // Keeper, command, and what has left its session.
        #expect(usage["tasks"] as? Int == 3, "\(usage)")
        #expect(try #require(usage["memoryBytes"] as? Int) > 20_000_000, "\(usage)")
        let all = try status(scene, ["--json"])
        #expect(all.ending == .exited(0) && !all.outputText.contains(forged), "\(all.story)")
        // Outside of a sandbox it would be listed.
        let outside = try scene.start(poser("one"), keeper: scene.caller.keeperOptions)
        try outside.line("begun")
        let seen = try status(scene, ["--json"])
        #expect(seen.outputText.contains(forged), "\(seen.story)")
        _ = try end(outside)
        // But for one that only reads.
        let reader = try scene.start(poser("reads"), keeper: scene.caller.keeperOptions)
        try reader.line("begun")
        let unseen = try status(scene, ["--json"])
        #expect(unseen.ending == .exited(0) && !unseen.outputText.contains(forged), "\(unseen.story)")
        _ = try end(reader)
        _ = try end(job)
    }

    /// A killed supervisor leaves a start record without an end, and its name: neither shows, and the name is free.
    @Test(arguments: Caller.available) func aKilledSupervisorShowsNowhere(caller: Caller) throws {
        let scene = try Scene(caller)
        let name = Scene.randomWord()
        let job = try waiting(scene, ["--name", name])
        let second = try scene.runInside(["/bin/true"], options: ["--name", name] + scene.resultOptions)
        #expect(second.ending == .exited(125) && second.errorText.contains("running already"), "\(second.story)")
        #expect(try scene.report().outcome == "refused")
        #expect(try jobs(scene).count == 1)
        try job.signal(SIGKILL)
        _ = try job.finish()
        #expect(try jobs(scene).isEmpty)
        let third = try scene.runInside(["/bin/true"], options: ["--name", name])
        #expect(third.ending == .exited(0), "\(third.story)")
        // The first, the refused one, and the third: all of them are recorded with the name.
        #expect(try records(scene, named: name) == 3)
        #expect(try scene.recordsHolding("\"name\":\"\(name)\"").count == 1)
    }

    private func records(_ scene: Scene, named name: String) throws -> Int {
        var count = 0
        for file in try scene.records() where file.hasSuffix("records.jsonl") {
            count += try scene.text(of: file).split(separator: "\n").filter { $0.contains("\"name\":\"\(name)\"") }
                .count
        }
        return count
    }

    /// Of many that ask for one name at once, one gets it; and as soon as it ends, another can.
    @Test func oneOfManyGetsTheName() throws {
        let scene = try Scene(.user)
        let name = Scene.randomWord()
        let jobs = try (0..<6).map { _ in
            try scene.startInside(
                ["/bin/sh", "-c", "until [ -e over ]; do sleep 0.05; done"],
                options: ["--name", name]
            )
        }
        // The one goes on until the others have been refused.
        for _ in 0..<6000 where jobs.filter({ $0.hasEnded() }).count < 5 { usleep(10_000) }
        try scene.write("", to: scene.workspace + "/over")
        let ends = try jobs.map { try $0.finish().ending }
        #expect(ends.filter { $0 == .exited(0) }.count == 1, "\(ends)")
        #expect(ends.filter { $0 == .exited(125) }.count == 5, "\(ends)")
        for _ in 0..<5 {
            #expect(try scene.runInside(["/bin/true"], options: ["--name", name]).ending == .exited(0))
        }
    }

    /// The names of jobs that were killed are files that nobody holds; a folder that others can write holds none.
    @Test func namesAreHeldInAFolderOfOnesOwn() throws {
        let scene = try Scene(.user)
        let runtime = scene.folder + "/runtime"
        try scene.makeFolder(runtime)
        scene.environment["XDG_RUNTIME_DIR"] = runtime
        let job = try waiting(scene, ["--name", "a.b_c-1"])
        #expect(try scene.names(in: runtime + "/codex-sandbox/names") == ["a.b_c-1"])
        _ = try end(job)
        #expect(try scene.names(in: runtime + "/codex-sandbox/names") == [])
        try #require(chmod(runtime + "/codex-sandbox/names", 0o777) == 0)
        let refused = try scene.runInside(["/bin/true"], options: ["--name", "x"])
        #expect(refused.ending == .exited(125) && refused.errorText.contains("/names"), "\(refused.story)")
        #expect(try scene.runInside(["/bin/true"]).ending == .exited(0))
    }

    @Test func anotherUsersJobsAreNotListed() throws {
        guard Caller.available.count == 2 else { return }
        let scene = try Scene(.user)
        let job = try waiting(scene)
        #expect(try jobs(scene).count == 1)
        let asRoot = try scene.run([scene.workshop.launcher, "status", "--json"])
        #expect(asRoot.ending == .exited(0) && !asRoot.outputText.contains(scene.workspace), "\(asRoot.story)")
        _ = try end(job)
    }

    /// `evidence verify`, a backup, the process of these tests: root's status has nothing to say of whose records it is.
    @Test func whoReadsRecordsIsNoSupervisor() throws {
        guard Caller.available.count == 2 else { return }
        let scene = try Scene(.user)
        let job = try waiting(scene)
        let records = try #require(try scene.records().first { $0.hasSuffix("/records.jsonl") })
        let reads = "exec 3< \"$0\"; echo reads; exec sleep 600"
        let reader = try scene.start(["/bin/sh", "-c", reads, records])
        try reader.line("reads")
        let asRoot = try scene.run([scene.workshop.launcher, "status", "--json"])
        #expect(asRoot.ending == .exited(0) && asRoot.errorText == "", "\(asRoot.story)")
        #expect(!asRoot.outputText.contains(scene.folder), "\(asRoot.story)")
        // Control: the file is that of a job, which its own account sees.
        let found = try #require(try jobs(scene).first)
        #expect(found["records"] as? String == records)
        _ = try end(reader)
        _ = try end(job)
    }
}
