import Foundation
import SandboxTestSupport
import Testing

@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct ProjectPolicyTests {
    /// Says how many processes it may have, and leaves a file.
    private let worker = ["/bin/sh", "-c", "grep processes /proc/self/limits | tr -s ' ' | cut -d ' ' -f 3; : > ran"]

    private static let wider = "version = 1\n[limits]\ntasks = 5000\n"

    private func project(_ text: String, _ caller: Caller = .user) throws -> Scene {
        let scene = try Scene(caller)
        try scene.write(text, to: scene.workspace + "/.codex-sandbox.toml")
        // Approvals of one test are none of another's.
        try scene.makeFolder(scene.folder + "/own-state")
        if caller == .root { try #require(chown(scene.folder + "/own-state", 0, 0) == 0) }
        scene.environment["XDG_STATE_HOME"] = scene.folder + "/own-state"
        return scene
    }

    private func run(_ scene: Scene, _ options: [String] = []) throws -> RunResult {
        try scene.runInside(worker, options: options)
    }

    private func policy(_ scene: Scene, _ words: [String]) throws -> RunResult {
        try scene.run([scene.workshop.launcher, "policy"] + words, keeper: scene.caller.keeperOptions)
    }

    private func approve(_ scene: Scene) throws {
        let result = try policy(scene, ["trust", "--yes", scene.workspace])
        try #require(result.ending == .exited(0) && result.outputText.contains("WIDER"), "\(result.story)")
    }

    /// Nothing ran, and the words are there.
    private func isRefused(_ result: RunResult, _ scene: Scene, _ words: [String]) -> Bool {
        result.ending == .exited(125) && result.output == [] && !scene.exists(scene.workspace + "/ran")
            && words.allSatisfy(result.errorText.contains)
    }

    private func recordFolder(_ scene: Scene) -> String { scene.folder + "/own-state/codex-sandbox/trust" }

    private func record(_ scene: Scene) throws -> String {
        let names = try scene.names(in: recordFolder(scene))
        return try recordFolder(scene) + "/" + #require(names.count == 1 ? names.first : nil)
    }

    /// A policy that cannot be loaded hides no approval that a launch under another one still goes by.
    @Test func anApprovalIsListedBesideAPolicyThatIsBroken() throws {
        let scene = try project(ProjectPolicyTests.wider)
        let folder = scene.home + "/.config/codex-sandbox/policies"
        for path in [scene.home + "/.config", scene.home + "/.config/codex-sandbox", folder] {
            try scene.makeFolder(path)
        }
        try scene.write("version = 1\n[limits]\ntasks = 100\n", to: folder + "/dev.toml")
        let approved = try policy(scene, ["trust", "--yes", "--policy", "dev", scene.workspace])
        try #require(approved.ending == .exited(0), "\(approved.story)")
        let before = try policy(scene, ["trust", "--list"])
        #expect(before.lines.first?.hasSuffix("trusted over dev, not over workspace-write") == true, "\(before.story)")
        try scene.write("version = 1\nnonsense = 1\n", to: folder + "/workspace-write.toml")
        let run = try run(scene, ["--policy", "dev"])
        #expect(run.ending == .exited(0) && run.lines == ["5000"], "\(run.story)")
        let list = try policy(scene, ["trust", "--list"])
        let line = list.lines.first ?? ""
        #expect(line.contains("trusted over dev, not over workspace-write: "), "\(list.story)")
        #expect(line.contains("is not valid: /") && line.contains("nonsense"), "\(list.story)")
    }

    /// What a file widens depends on the policy: approved over one, it is not over another, nor over that one changed.
    @Test(arguments: Caller.available) func anApprovalHoldsOverOnePolicy(caller: Caller) throws {
        let scene = try project(ProjectPolicyTests.wider, caller)
        try approve(scene)
        let usual = try run(scene)
        #expect(usual.ending == .exited(0) && usual.lines == ["5000"], "\(usual.story)")
        try #require(unlink(scene.workspace + "/ran") == 0)
        let options = try scene.policy("[limits]\ntasks = 100\n")
        #expect(isRefused(try run(scene, options), scene, ["limits.tasks", "trusted over another policy"]))
        #expect(isRefused(try run(scene, ["--policy", "strict"]), scene, ["trusted over another policy"]))
        let trust = try policy(scene, ["trust", "--yes"] + options + [scene.workspace])
        #expect(trust.ending == .exited(0) && trust.outputText.contains("100 -> 5000"), "\(trust.story)")
        let list = try policy(scene, ["trust", "--list"])
        #expect(
            list.lines.first?.contains("  trusted over workspace-write; 1 more of its approvals") == true,
            "\(list.story)"
        )
        let listed = try policy(scene, ["trust", "--list"] + options)
        #expect(listed.lines.count == 1 && listed.lines[0].hasSuffix(".toml, workspace-write"), "\(listed.story)")
        let strict = try policy(scene, ["trust", "--list", "--policy", "strict"])
        #expect(
            strict.lines.first?.contains("trusted over workspace-write, not over strict") == true,
            "\(strict.story)"
        )
        for options in [[], options] {
            let result = try run(scene, options)
            #expect(result.ending == .exited(0) && result.lines == ["5000"], "\(result.story)")
        }
        try #require(unlink(scene.workspace + "/ran") == 0)
        let changed = try scene.policy("[limits]\ntasks = 100\nopen_files = 100\n")
        #expect(isRefused(try run(scene, changed), scene, ["trusted over another policy"]))
    }

    // MARK: - Narrowing

    @Test(arguments: Caller.available) func whatItNarrowsHolds(caller: Caller) throws {
        let plain = try run(try project("version = 1\n", caller))
        #expect(plain.ending == .exited(0) && plain.lines == ["1024"], "\(plain.story)")
        let narrow = try run(try project("version = 1\n[limits]\ntasks = 77\n", caller))
        #expect(narrow.ending == .exited(0) && narrow.lines == ["77"], "\(narrow.story)")
    }

    @Test func aWorkspaceCanAskNotToBeWritten() throws {
        let scene = try project("version = 1\n[workspace]\naccess = \"read-only\"\n")
        let result = try run(scene)
        #expect(result.lines == ["1024"] && result.errorText.contains("Read-only file system"), "\(result.story)")
        #expect(!scene.exists(scene.workspace + "/ran"))
    }

    @Test func itNarrowsWhatTheCommandLineAsksForToo() throws {
        let scene = try project("version = 1\n[limits]\ntasks = 100\n[filesystem]\nread = []\n")
        try scene.makeFolder(scene.folder + "/shown")
        let result = try run(scene, ["--pids", "2000", "--read", scene.folder + "/shown"])
        // The programs of the tests are shown by --read as well, and are gone with it.
        #expect(result.ending == .exited(0) && result.lines == ["100"], "\(result.story)")
        #expect(result.errorText.contains("--pids is narrowed by the project: "), "\(result.story)")
        #expect(result.errorText.contains(".codex-sandbox.toml:3: limits.tasks"), "\(result.story)")
        #expect(result.errorText.contains("--read is narrowed by the project: "), "\(result.story)")
    }

    @Test(
        arguments: [
            ("[limits]\ntasks = 5000\n", "limits.tasks", 3),
            ("[network]\nmode = \"host\"\n[danger]\nhost_network = true\n", "network.mode", 3),
            ("[filesystem]\n\nwrite = [\"/srv\"]\n", "filesystem.write", 4),
            ("[environment]\npass = [\"MY_SECRET\"]\n", "environment.pass", 3),
            ("[environment.set]\nLD_PRELOAD = \"/x.so\"\n", "environment.set", 2),
            ("[filesystem]\ncover_missing = []\n", "filesystem.cover_missing", 3),
            ("[landlock]\nrequirement = \"best-effort\"\n", "landlock.requirement", 3),
        ],
        Caller.available
    )
    func whatWouldWidenIsRefusedByKeyFileAndLine(
        text: (say: String, key: String, line: Int),
        caller: Caller
    ) throws {
        let scene = try project("version = 1\n\(text.say)", caller)
        let result = try run(scene)
        let place = "\(scene.workspace)/.codex-sandbox.toml:\(text.line): \(text.key)"
        #expect(isRefused(result, scene, [place, "codex-sandbox policy trust \(scene.workspace)"]), "\(result.story)")
        // In a workspace that is only read, too: nobody passes over the file there.
        let readOnly = try run(scene, ["--policy", "read-only"])
        #expect(isRefused(readOnly, scene, [place]), "\(readOnly.story)")
    }

    /// What a refusal names shows the same.
    @Test(arguments: [
        ("extends = \"read-only\"\n", "extends"), ("[danger]\nfull_access = true\n", "danger.full_access"),
        ("[limits]\ntaskz = 1\n", "taskz"),
    ])
    func aFileThatIsNotValidIsJudgedAlikeByCheck(text: (say: String, key: String)) throws {
        let scene = try project("version = 1\n\(text.say)")
        let refused = try run(scene)
        let words = ["the project's own policy is not valid", text.key, "policy check .codex-sandbox.toml"]
        #expect(isRefused(refused, scene, words), "\(refused.story)")
        func check() throws -> RunResult {
            let words = [scene.workshop.launcher, "policy", "check", "./.codex-sandbox.toml"]
            return try scene.run(["/usr/bin/env", "-C", scene.workspace] + words, keeper: scene.caller.keeperOptions)
        }
        let shown = try check()
        #expect(shown.ending == .exited(1) && shown.errorText.contains(text.key), "\(shown.story)")
        try scene.write("version = 1\n[limits]\ntasks = 77\n", to: scene.workspace + "/.codex-sandbox.toml")
        let valid = try check()
        #expect(valid.ending == .exited(0) && valid.outputText.contains("no problems"), "\(valid.story)")
    }

    @Test func fullAccessLeavesNothingForItToNarrow() throws {
        let scene = try project("version = 1\n[limits]\ntasks = 77\n")
        let refused = try run(scene, ["--danger-full-access"])
        #expect(isRefused(refused, scene, [".codex-sandbox.toml:3: limits.tasks", "full access"]), "\(refused.story)")
        try scene.write("version = 1\n", to: scene.workspace + "/.codex-sandbox.toml")
        let free = try run(scene, ["--danger-full-access"])
        #expect(free.ending == .exited(0) && scene.exists(scene.workspace + "/ran"), "\(free.story)")
    }

    @Test(arguments: ["link", "fifo", "too large", "unreadable", "extends", "full access"])
    func whatIsNoProjectFileIsRefused(kind: String) throws {
        let scene = try Scene(.user)
        let file = scene.workspace + "/.codex-sandbox.toml"
        switch kind {
        case "link":
            try scene.write("version = 1\n", to: scene.outside + "/p.toml")
            try scene.link(file, to: scene.outside + "/p.toml")
        case "fifo": try #require(mkfifo(file, 0o666) == 0)
        case "too large": try scene.write("version = 1\n" + String(repeating: "#", count: 300_000), to: file)
        case "unreadable": try scene.write("version = 1\n", to: file, mode: 0)
        case "extends": try scene.write("version = 1\nextends = \"strict\"\n", to: file)
        default: try scene.write("version = 1\n[danger]\nfull_access = true\n", to: file)
        }
        for options in [[], ["--policy", "read-only"]] {
            let result = try run(scene, options)
            #expect(isRefused(result, scene, [".codex-sandbox.toml"]) && !result.tookTooLong, "\(result.story)")
        }
    }

    @Test func aFolderOfThatNameSaysNothing() throws {
        let scene = try Scene(.user)
        try scene.makeFolder(scene.workspace + "/.codex-sandbox.toml")
        let result = try run(scene)
        #expect(result.ending == .exited(0) && result.lines == ["1024"], "\(result.story)")
    }

    // MARK: - Trust

    @Test(arguments: Caller.available) func anApprovedFileWidens(caller: Caller) throws {
        let scene = try project(Self.wider, caller)
        let refused = try run(scene)
        #expect(isRefused(refused, scene, ["limits.tasks"]), "\(refused.story)")
        try approve(scene)
        let result = try run(scene)
        #expect(result.ending == .exited(0) && result.lines == ["5000"], "\(result.story)")
        // A flag still says the last word.
        let flag = try run(scene, ["--pids", "300"])
        #expect(flag.lines == ["300"], "\(flag.story)")
        let list = try policy(scene, ["trust", "--list"])
        #expect(list.lines.map { $0.hasSuffix(" trusted over workspace-write") } == [true], "\(list.story)")
        try #require(try policy(scene, ["untrust", scene.workspace + "/.codex-sandbox.toml"]).ending == .exited(0))
        try #require(unlink(scene.workspace + "/ran") == 0)
        #expect(isRefused(try run(scene), scene, ["limits.tasks"]))
        #expect(try policy(scene, ["untrust", scene.workspace]).ending == .exited(1))
    }

    @Test func theRecordSaysWhichBytesWereTrusted() throws {
        let scene = try project(Self.wider)
        try approve(scene)
        #expect(try run(scene).ending == .exited(0))
        let digest = try #require(
            try text(record(scene)).split(separator: "\n").first { $0.hasPrefix("sha256 ") }?.dropFirst(7)
        )
        let folder = scene.folder + "/own-state/codex-sandbox/evidence"
        let files = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
        let records = try files.filter { $0.hasSuffix(".jsonl") }.map { try text(folder + "/" + $0) }.joined()
        let start = try #require(records.split(separator: "\n").first { $0.contains("launch-start") })
        #expect(start.contains("\"kind\":\"project\"") && start.contains("\"trusted\":true") && start.contains(digest))
    }

    private func text(_ path: String) throws -> String {
        try String(decoding: Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }

    @Test func withoutATerminalNobodyAgrees() throws {
        let scene = try project(Self.wider)
        let result = try scene.run(
            [scene.workshop.launcher, "policy", "trust", scene.workspace],
            keeper: scene.caller.keeperOptions,
            input: Array("y\n".utf8)
        )
        #expect(result.ending == .exited(1) && result.errorText.contains("--yes"), "\(result.story)")
        #expect(result.outputText.contains("1024 -> 5000") && result.outputText.contains("WIDER"), "\(result.story)")
        #expect(isRefused(try run(scene), scene, ["limits.tasks"]))
    }

    /// Each way in which an approval would be stretched; the control is that it held just before.
    @Test(arguments: [
        "other bytes", "other place", "copied record", "renamed record", "record for another path",
        "readable by others",
        "writable by others", "folder open", "folder of a link", "record is a link", "second name", "garbage", "longer",
    ]) func anApprovalIsForJustThisFile(way: String) throws {
        let scene = try project(Self.wider)
        try approve(scene)
        let held = try run(scene)
        try #require(held.lines == ["5000"], "\(held.story)")
        try #require(unlink(scene.workspace + "/ran") == 0)
        let (record, folder) = (try record(scene), recordFolder(scene))
        switch way {
        case "other bytes": try scene.write(Self.wider + "\n", to: scene.workspace + "/.codex-sandbox.toml")
        case "other place":
            try #require(rename(scene.workspace, scene.folder + "/moved") == 0)
            try scene.makeFolder(scene.workspace + "-2")
            try #require(rename(scene.folder + "/moved", scene.workspace + "-2/project") == 0)
            try #require(symlink("workspace-2/project", scene.workspace) == 0)
            let result = try scene.run(
                [scene.workshop.launcher, "run", "--workspace", scene.workspace + "-2/project", "--"] + worker,
                keeper: scene.caller.keeperOptions + ["--cwd", scene.folder]
            )
            #expect(isRefused(result, scene, ["limits.tasks"]), "\(result.story)")
            return
        case "copied record":
            try copy(record, to: record + ".new", scene)
            try #require(rename(record + ".new", record) == 0)
        case "renamed record": try #require(rename(record, folder + "/" + String(repeating: "a", count: 64)) == 0)
        case "record for another path":
            let other = try text(record).replacingOccurrences(of: "/workspace/", with: "/elsewhere/")
            try overwrite(record, other)
        case "readable by others": try #require(chmod(record, 0o644) == 0)
        case "writable by others": try #require(chmod(record, 0o622) == 0)
        case "folder open": try #require(chmod(folder, 0o755) == 0)
        case "folder of a link":
            try #require(rename(folder, folder + "-real") == 0)
            try scene.link(folder, to: "trust-real")
        case "record is a link":
            try #require(rename(record, folder + "/real") == 0)
            try scene.link(record, to: "real")
        case "second name": try #require(link(record, scene.outside + "/second") == 0)
        case "garbage": try overwrite(record, "trusted\n")
        default: try overwrite(record, try text(record) + "\n")
        }
        let result = try run(scene)
        #expect(isRefused(result, scene, ["limits.tasks", "not trusted"]), "\(way): \(result.story)")
        // And it is not what is written over without a word.
        let list = try policy(scene, ["trust", "--list"])
        #expect(!list.outputText.contains("  trusted"), "\(way): \(list.story)")
    }

    private func copy(_ path: String, to other: String, _ scene: Scene) throws {
        try scene.write(try text(path), to: other, mode: 0o600)
    }

    /// In place, so that it stays the same file.
    private func overwrite(_ path: String, _ text: String) throws {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.truncate(atOffset: 0)
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    /// What is not ours is not written into either.
    @Test(arguments: ["open", "link", "file"]) func approvalsAreNotKeptInAFolderOfOthers(kind: String) throws {
        let scene = try project(Self.wider)
        try scene.makeFolder(scene.folder + "/own-state/codex-sandbox")
        try #require(chmod(scene.folder + "/own-state/codex-sandbox", 0o700) == 0)
        let folder = recordFolder(scene)
        switch kind {
        case "open":
            try scene.makeFolder(folder)
            try #require(chmod(folder, 0o777) == 0)
        case "link": try scene.link(folder, to: scene.outside)
        default: try scene.write("", to: folder)
        }
        let result = try policy(scene, ["trust", "--yes", scene.workspace])
        #expect(result.ending == .exited(1) && result.errorText.contains(folder), "\(result.story)")
        #expect(try scene.secretIsUntouched())
        #expect(isRefused(try run(scene), scene, ["limits.tasks"]))
    }

    @Test func theJobReachesNoApproval() throws {
        let scene = try project("version = 1\n")
        let script = "\(scene.workshop.launcher) policy trust --yes . 2>&1; ls \(recordFolder(scene)) 2>&1; : > ran"
        let result = try scene.runInside(
            ["/bin/sh", "-c", script],
            options: ["--read", scene.workshop.folder + "/bin"]
        )
        #expect(result.ending == .exited(0) && scene.exists(scene.workspace + "/ran"), "\(result.story)")
        #expect(!scene.exists(recordFolder(scene)), "\(result.story)")
    }
}
