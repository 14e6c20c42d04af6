import Foundation
import SandboxTestSupport
import Testing

/// The administrator's `/etc/codex-sandbox/policy.toml`, which nothing exceeds.
///
/// Its place is fixed, so each test has an `/etc` of its own: a mount namespace, as root, or an ordinary user's with a user
/// namespace, in which the user is root.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct CeilingTests {
    private let worker = ["/bin/sh", "-c", "grep processes /proc/self/limits | tr -s ' ' | cut -d ' ' -f 3; : > ran"]

    /// What lies over `/etc`; nil for no file.
    private func scene(_ text: String?, mode: UInt32 = 0o644, folder: UInt32 = 0o755) throws -> Scene {
        let scene = try Scene(.user)
        for path in [etc(scene), etc(scene) + "/codex-sandbox"] { try scene.makeFolder(path) }
        let file = etc(scene) + "/codex-sandbox/policy.toml"
        if let text { try scene.write(text, to: file, mode: mode) }
        try #require(chmod(etc(scene) + "/codex-sandbox", folder) == 0)
        if getuid() == 0 {
            for path in [etc(scene), etc(scene) + "/codex-sandbox", file] where scene.exists(path) {
                try #require(lchown(path, 0, 0) == 0)
            }
        }
        return scene
    }

    private func etc(_ scene: Scene) -> String { scene.folder + "/etc" }

    /// Words for the launcher, with that `/etc`.
    ///
    /// A user is root there, so nothing is launched: a workspace would be root's. What is refused or shown is the same.
    private func call(_ scene: Scene, _ words: [String]) throws -> RunResult {
        let mount = "mount -t overlay overlay -o lowerdir=\(etc(scene)):/etc /etc && exec \"$@\""
        let namespaces = getuid() == 0 ? "-m" : "-rm"
        let drop =
            getuid() == 0
            ? [
                "/usr/bin/setpriv", "--reuid", "\(Caller.worker.uid)", "--regid", "\(Caller.worker.gid)",
                "--clear-groups",
            ] : []
        return try scene.run(
            ["/usr/bin/unshare", namespaces, "/bin/sh", "-c", mount, "sh"] + drop + [scene.workshop.launcher] + words
        )
    }

    private func run(_ scene: Scene, _ options: [String] = [], command: String = "run") throws -> RunResult {
        let all = getuid() == 0 ? options : options + ["--allow-root-owned-workspace"]
        return try call(scene, [command, "--workspace", scene.workspace] + all + ["--"] + worker)
    }

    /// The value of a key with where it comes from, as `explain` says it.
    private func value(_ key: String, _ scene: Scene, _ options: [String] = []) throws -> String {
        let result = try run(scene, options, command: "explain")
        try #require(result.ending == .exited(0), "\(result.story)")
        let line = try #require(result.lines.first { $0.hasPrefix("  \(key) ") }, "\(result.story)")
        return line.split(separator: " ").dropFirst().joined(separator: " ")
    }

    private func isRefused(_ result: RunResult, _ scene: Scene, _ words: [String]) -> Bool {
        result.ending == .exited(125) && result.output == [] && !scene.exists(scene.workspace + "/ran")
            && words.allSatisfy(result.errorText.contains)
    }

    private static let file = "/etc/codex-sandbox/policy.toml"

    @Test func withoutOneNothingIsBounded() throws {
        #expect(try value("limits.tasks", scene(nil), ["--pids", "2000"]) == "2000 --pids")
    }

    @Test func aPolicyIsNarrowed() throws {
        let scene = try scene("version = 1\n[limits]\ntasks = 64\n")
        #expect(try value("limits.tasks", scene) == "64 built-in workspace-write:45, narrowed by \(Self.file):3")
        #expect(try value("limits.tasks", scene, ["--pids", "32"]) == "32 --pids")
        #expect(try value("limits.open_files", scene).hasPrefix("4096 "))
        guard getuid() == 0 else { return }
        let result = try run(scene)
        #expect(result.ending == .exited(0) && result.lines == ["64"], "\(result.story)")
    }

    @Test(arguments: [
        ("[limits]\nmemory = \"1GiB\"", ["--memory", "1TiB"], "limits.memory", "--memory"),
        ("[limits]\ntasks = 64", ["--pids", "65"], "limits.tasks", "--pids"),
        ("[limits]\nwall = \"1h\"", ["--timeout", "2h"], "limits.wall", "--timeout"),
        ("[filesystem]\nwrite = []", ["--write", "OUTSIDE"], "filesystem.write", "--write"),
        ("[filesystem]\nread = [\"/usr\"]", ["--read", "OUTSIDE"], "filesystem.read", "--read"),
        ("[environment]\npass = []", ["--env", "HOME"], "environment.pass", "--env"),
        ("[network]\nmode = \"off\"", ["--network", "host", "--danger-host-network"], "network.mode", "--network"),
    ]) func anOptionThatExceedsItIsRefused(
        text: (say: String, options: [String], key: String, option: String)
    ) throws {
        let scene = try scene("version = 1\n\(text.say)\n")
        let options = text.options.map { $0 == "OUTSIDE" ? scene.outside : $0 }
        let result = try run(scene, options)
        let words = [text.key, "\(Self.file):3", text.option]
        #expect(isRefused(result, scene, words), "\(result.story)")
        // The control: without the administrator's file it is what the options say.
        let free = try run(try self.scene(nil), options, command: "explain")
        #expect(free.ending == .exited(0), "\(free.story)")
    }

    @Test func fullAccessMustBeAllowed() throws {
        let scene = try scene("version = 1\n")
        #expect(isRefused(try run(scene, ["--danger-full-access"]), scene, ["danger.full_access", Self.file]))
        let allowed = try self.scene("version = 1\n[danger]\nfull_access = true\n")
        let result = try run(allowed, ["--danger-full-access"])
        #expect(result.ending == .exited(0) && allowed.exists(allowed.workspace + "/ran"), "\(result.story)")
    }

    /// The permission is none that anybody has to use: what asks for a sandbox gets all of it.
    @Test(arguments: [
        "[danger]\nfull_access = true\n", "[codex]\nsandbox_mode = \"danger-full-access\"\nfs_isolation = false\n",
    ])
    func allowedFullAccessBoundsNoSandbox(permission: String) throws {
        let free = try scene(nil)
        let scene = try scene("version = 1\n\(permission)")
        for key in ["filesystem.system", "filesystem.etc", "environment.inherit", "network.mode", "limits.tasks"] {
            #expect(try value(key, scene) == value(key, free))
        }
        let bounded = try self.scene("version = 1\n\(permission)[limits]\ntasks = 64\nwall = \"1h\"\n")
        #expect(try value("limits.tasks", bounded).hasPrefix("64 "))
        #expect(try value("filesystem.system", bounded) == value("filesystem.system", free))
        #expect(isRefused(try run(bounded, ["--pids", "65"]), bounded, ["limits.tasks", Self.file, "--pids"]))
        // Of full access the times are held, and so is their bound.
        let full = ["--danger-full-access"]
        #expect(isRefused(try run(bounded, full + ["--timeout", "2h"]), bounded, ["limits.wall", "--timeout"]))
        let within = try run(bounded, full + ["--timeout", "59m"])
        #expect(within.ending == .exited(0) && bounded.exists(bounded.workspace + "/ran"), "\(within.story)")
        guard getuid() == 0 else { return }
        let result = try run(scene)
        #expect(result.ending == .exited(0) && result.lines.count == 1, "\(result.story)")
        #expect(try run(bounded).lines == ["64"])
    }

    /// An approved project gets more than the policy, and no more than the administrator allows.
    @Test func anApprovedProjectStaysBelowIt() throws {
        let scene = try scene("version = 1\n[limits]\ntasks = 2000\n")
        try scene.write("version = 1\n[limits]\ntasks = 5000\n", to: scene.workspace + "/.codex-sandbox.toml")
        try scene.makeFolder(scene.folder + "/own-state")
        scene.environment["XDG_STATE_HOME"] = scene.folder + "/own-state"
        #expect(isRefused(try run(scene), scene, ["limits.tasks", "policy trust"]))
        let trust = try call(scene, ["policy", "trust", "--yes", scene.workspace])
        // Measured by what the administrator leaves of the policy.
        #expect(
            trust.ending == .exited(0) && trust.outputText.contains("1024 -> 2000  WIDER; asks for 5000, gets 2000"),
            "\(trust.story)"
        )
        let place = "\(scene.workspace)/.codex-sandbox.toml:3, narrowed by \(Self.file):3"
        #expect(try value("limits.tasks", scene) == "2000 \(place)")
    }

    /// What asks for more than the administrator allows, and would get no more than there is, can be approved, too: it is refused
    /// without.
    @Test func aProjectThatOnlyExceedsItCanBeApproved() throws {
        let scene = try scene("version = 1\n[limits]\ntasks = 100\n")
        try scene.write("version = 1\n[limits]\ntasks = 2000\n", to: scene.workspace + "/.codex-sandbox.toml")
        try scene.makeFolder(scene.folder + "/own-state")
        scene.environment["XDG_STATE_HOME"] = scene.folder + "/own-state"
        #expect(isRefused(try run(scene), scene, ["limits.tasks", "policy trust"]))
        let trust = try call(scene, ["policy", "trust", "--yes", scene.workspace])
        #expect(
            trust.ending == .exited(0) && trust.errorText.contains("allows less than it asks for: limits.tasks"),
            "\(trust.story)"
        )
        #expect(try value("limits.tasks", scene).hasPrefix("100 "))
    }

    /// What the administrator keeps from a project nobody has approved: when the bound is relaxed, it is shown anew.
    @Test(arguments: ["version = 1\n[limits]\nmemory = \"1GiB\"\n", nil])
    func whatItHasKeptBackIsNotApproved(relaxed: String?) throws {
        let scene = try scene(
            "version = 1\n[filesystem]\nread = [\"/srv\"]\nwrite = []\n[limits]\nmemory = \"1GiB\"\n"
        )
        let secret = scene.outside
        let text = "version = 1\n[filesystem]\nread = [\"\(secret)\"]\n[limits]\nmemory = \"2TiB\"\n"
        try scene.write(text, to: scene.workspace + "/.codex-sandbox.toml")
        try scene.makeFolder(scene.folder + "/own-state")
        scene.environment["XDG_STATE_HOME"] = scene.folder + "/own-state"
        let trust = try call(scene, ["policy", "trust", "--yes", scene.workspace])
        #expect(trust.ending == .exited(0) && trust.outputText.contains("none -> none"), "\(trust.story)")
        for shown in ["asks for \(secret), gets none", "asks for 2 TiB, gets 1 GiB"] {
            #expect(trust.outputText.contains(shown), "\(trust.story)")
        }
        // The control: under the bound that it was shown with it holds, and gives what was shown.
        #expect(try value("limits.memory", scene).hasPrefix("1 GiB "))
        // The list says what a launch finds.
        let list = ["policy", "trust", "--list"]
        let holding = try call(scene, list)
        #expect(holding.lines.map { $0.hasSuffix("  trusted over workspace-write") } == [true], "\(holding.story)")
        let file = etc(scene) + "/codex-sandbox/policy.toml"
        if let relaxed {
            try scene.write(relaxed, to: file)
            if getuid() == 0 { try #require(lchown(file, 0, 0) == 0) }
        } else {
            try #require(unlink(file) == 0)
        }
        let words = ["filesystem.read", "another bound of the administrator's", "policy trust"]
        #expect(isRefused(try run(scene), scene, words))
        let lapsed = try call(scene, list)
        #expect(lapsed.lines.count == 1 && lapsed.outputText.contains("  not trusted: it was trusted over another"))
        #expect(lapsed.outputText.contains("another bound of the administrator's"), "\(lapsed.story)")
        let anew = try call(scene, ["policy", "trust", "--yes", scene.workspace])
        #expect(anew.ending == .exited(0) && anew.outputText.contains("none -> \(secret)"), "\(anew.story)")
        #expect(try value("filesystem.read", scene).hasPrefix("\(secret) "))
        let both = try call(scene, list)
        #expect(both.outputText.contains("  trusted over workspace-write; 1 more of its approvals"), "\(both.story)")
        let project = scene.workspace + "/.codex-sandbox.toml"
        try scene.write(text + "# more\n", to: project)
        let changed = try call(scene, list)
        #expect(changed.outputText.contains("  not trusted: it has changed since it was trusted"), "\(changed.story)")
        try #require(unlink(project) == 0)
        #expect(try call(scene, list).outputText.contains("  not trusted: the file is gone"))
    }

    @Test func itsListsThatKeepBackHoldForEverybody() throws {
        let scene = try scene("version = 1\n[filesystem]\nprotect = [\"Makefile\"]\n[seccomp]\nwithout = [\"debug\"]\n")
        try scene.write("version = 1\n[seccomp]\nwithout = [\"aio\"]\n", to: scene.folder + "/p.toml")
        let options = ["--policy", scene.folder + "/p.toml"]
        #expect(try value("seccomp.without", scene, options) == "aio debug \(scene.folder)/p.toml:3, \(Self.file):5")
        #expect(
            try value("filesystem.protect", scene).hasSuffix("default, built-in workspace-write:19, \(Self.file):3")
        )
    }

    @Test(arguments: ["writable", "folder writable", "link", "not TOML", "unknown key", "of a user"])
    func oneThatCannotBeReliedOnIsARefusal(kind: String) throws {
        let good = "version = 1\n[limits]\ntasks = 64\n"
        let scene: Scene
        switch kind {
        case "writable": scene = try self.scene(good, mode: 0o666)
        case "folder writable": scene = try self.scene(good, folder: 0o777)
        case "link":
            scene = try self.scene(nil)
            try scene.write(good, to: scene.folder + "/real.toml")
            try scene.link(etc(scene) + "/codex-sandbox/policy.toml", to: scene.folder + "/real.toml")
        case "not TOML": scene = try self.scene("hello\n")
        case "unknown key": scene = try self.scene("version = 1\n[limits]\ntaks = 64\n")
        default:
            scene = try self.scene(good)
            // As a user nobody else's file can be made: there root is the user, and this is nobody's.
            guard getuid() == 0 else { return }
            try scene.own(etc(scene) + "/codex-sandbox/policy.toml")
        }
        let result = try run(scene)
        let words = [
            "writable": "others may write to \(Self.file) (mode 666)", "folder writable": "(mode 777)",
            "link": "ELOOP", "not TOML": ":1:", "unknown key": ":3:1: limits.taks",
            "of a user": "belongs to uid \(Caller.worker.uid)",
        ]
        let word = try #require(words[kind])
        #expect(isRefused(result, scene, [Self.file, word]), "\(result.story)")
    }

    /// Whether it is valid depends on it alone, and what it says against a policy narrows that.
    @Test func whatItDeniesIsNoConflict() throws {
        let scene = try scene("version = 1\n[filesystem]\ndeny = [\"/opt\"]\nwrite = []\n[network]\nloopback = false\n")
        try scene.write(
            "version = 1\n[filesystem]\nread = [\"/opt\"]\nwrite = [\"\(scene.outside)\"]\n",
            to: scene.folder + "/p.toml"
        )
        let options = ["--policy", scene.folder + "/p.toml"]
        #expect(try value("filesystem.write", scene, options).hasPrefix("none "))
        #expect(try value("filesystem.deny", scene, options).hasPrefix("/opt "))
        let broken = try self.scene("version = 1\n[filesystem]\nread = [\"/opt\"]\nwrite = [\"/opt\"]\n")
        let result = try run(broken)
        #expect(
            isRefused(
                result,
                broken,
                ["the administrator's policy, which bounds every launch, is not valid", "\(Self.file):4:"]
            )
        )
        #expect(!result.errorText.contains("the policy is not valid"), "\(result.story)")
    }

    /// Only what may be read is said: what may be written is bounded with it.
    @Test func aBoundOnReadingBoundsWriting() throws {
        let scene = try scene("version = 1\n[filesystem]\nread = [\"/usr\"]\n")
        let result = try run(scene, ["--write", scene.outside])
        #expect(
            isRefused(result, scene, ["--write asks for more", "filesystem.read, \(Self.file):3"]),
            "\(result.story)"
        )
        let free = try run(try self.scene(nil), ["--write", scene.outside], command: "explain")
        #expect(free.ending == .exited(0), "\(free.story)")
    }

    /// No variable and no option moves it.
    @Test func itsPlaceIsFixed() throws {
        let scene = try scene("version = 1\n[limits]\ntasks = 64\n")
        for name in ["CODEX_SANDBOX_CONFIG", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "CODEX_SANDBOX_CEILING", "HOME"] {
            scene.environment[name] = scene.outside
        }
        #expect(try value("limits.tasks", scene).hasPrefix("64 "))
        #expect(isRefused(try run(scene, ["--pids", "65"]), scene, [Self.file]))
    }
}
