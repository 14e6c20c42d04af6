import Foundation
import Glibc
import SandboxTestSupport
import Testing

/// Threats A24 to A26, B10 and D10: what a supervisor can be led to do by what lies in a workspace, and by its own file's mode.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct SupervisorTests {
    // MARK: - A25: nothing of the job's is waited for

    /// Names that a launch looks at, in a workspace that an earlier job has prepared.
    private static let readNames = [
        ".git", ".git/HEAD", ".git/config", ".git/config.worktree", ".git/commondir", ".git/hooks",
        ".git/refs/heads/main",
        ".gitmodules", ".codex-sandbox.toml", ".codex", ".envrc", ".mcp.json", "HEAD", "commondir",
    ]

    @Test(arguments: readNames.flatMap { name in ["fifo", "socket"].map { (name, $0) } }, Caller.available)
    func nobodyWaitsForAPipeInTheWorkspace(planted: (name: String, kind: String), caller: Caller) throws {
        let scene = try Scene(caller)
        for folder in [".git", ".git/objects", ".git/refs", ".git/refs/heads"] {
            try scene.makeFolder(scene.workspace + "/" + folder)
        }
        try scene.write("ref: refs/heads/main\n", to: scene.workspace + "/.git/HEAD")
        let path = scene.workspace + "/" + planted.name
        if scene.exists(path) { try FileManager.default.removeItem(atPath: path) }
        let make =
            "import os, socket, sys\nos.mkfifo(sys.argv[1]) if sys.argv[2] == 'fifo' else socket.socket(socket.AF_UNIX).bind(sys.argv[1])"
        let made = try scene.run(
            ["/usr/bin/python3", "-c", make, planted.name, planted.kind],
            keeper: Caller.workerOptions
        )
        try #require(made.ending == .exited(0), "\(made.story)")
        let result = try scene.runInside(["/bin/echo", "ran"], keeper: ["--deadline", "900000"])
        // Either is right; to hang is not.
        #expect(!result.tookTooLong && result.left == 0, "\(planted): \(result.story)")
        #expect(
            result.ending == .exited(125) && result.output == []
                || result.ending == .exited(0) && result.lines == ["ran"],
            "\(planted): \(result.story)"
        )
    }

    // MARK: - A24, A26: cleaning up stays in the tree

    /// What stands for a missing name is removed at the end; where a link stands by then, it is not followed.
    ///
    /// The control is the same without the exchange: what was put there is gone.
    @Test(arguments: [".envrc", ".mcp.json", ".codex"], Caller.available)
    func cleaningUpFollowsNoLink(name: String, caller: Caller) throws {
        for isExchanged in [false, true] {
            let scene = try Scene(caller)
            let victim = scene.outside + "/victim"
            try scene.makeFolder(victim)
            let job = try scene.startInside(["/bin/sh", "-c", "echo ready; read line"])
            try job.line("ready")
            let path = scene.workspace + "/" + name
            #expect(scene.exists(path), "nothing stands for \(name)")
            if isExchanged {
                #expect(rename(path, scene.folder + "/moved") == 0)
                try scene.link(path, to: victim)
            }
            job.write("\n".utf8)
            let result = try job.finish()
            #expect(result.left == 0, "\(result.story)")
            #expect(scene.exists(path) == isExchanged, "\(result.story)")
            let mode = try scene.status(of: victim).mode & 0o7777
            let left = try scene.names(in: scene.outside)
            #expect(mode == 0o755 && left == ["secret", "victim"], "\(result.story)")
        }
    }

    // MARK: - B10: evidence

    /// A job that looks for its own record, or for descriptors that lead to it, finds nothing.
    @Test(arguments: Caller.available)
    func theJobFindsNoRecord(caller: Caller) throws {
        let scene = try Scene(caller)
        let find = "find / -name records.jsonl 2> /dev/null; ls -l /proc/self/fd /proc/1/fd 2> /dev/null; echo looked"
        _ = try scene.runInside(["/bin/true"])
        let outside = try scene.run(["/bin/sh", "-c", "find '\(scene.state)' -name records.jsonl"])
        #expect(outside.lines.count == 1, "no control: \(outside.story)")
        let result = try scene.runInside(
            ["/bin/sh", "-c", find],
            options: ["--evidence", scene.folder + "/copy.jsonl"]
        )
        #expect(result.lines.last == "looked" && !result.outputText.contains(".jsonl"), "\(result.story)")
    }

    // MARK: - D10: no set-id executable

    @Test(.enabled(if: Caller.available.contains(.root), "only root can give a file of its own a set-id bit"))
    func aSetIDLauncherIsRefused() throws {
        for bits in [0o755, 0o4755, 0o2755] as [mode_t] {
            let scene = try Scene(.user)
            let launcher = scene.outside + "/codex-sandbox"
            for name in ["", "d"] {
                try ProgramFile.copy(scene.workshop.launcher + name, to: launcher + name)
                try #require(
                    chown(launcher + name, 0, 0) == 0 && chmod(launcher + name, name.isEmpty ? bits : 0o755) == 0
                )
            }
            let command = [launcher, "run", "--workspace", scene.workspace, "--", "/bin/echo", "ran"]
            let result = try scene.run(command, keeper: Caller.workerOptions)
            if bits == 0o755 {
                #expect(result.ending == .exited(0) && result.lines == ["ran"], "no control: \(result.story)")
            } else {
                #expect(result.ending == .exited(125) && result.output == [], "\(result.story)")
                #expect(result.errorText.contains("set-user-ID"), "\(result.story)")
            }
            #expect(result.left == 0, "\(result.story)")
        }
    }
}
