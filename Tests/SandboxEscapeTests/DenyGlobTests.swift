import Foundation
import SandboxTestSupport
import Testing

/// `filesystem.deny_globs` and `filesystem.toolchains`: what a job gets to see of them.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct DenyGlobTests {
    private func scene(_ text: String, _ caller: Caller = .user) throws -> (Scene, [String]) {
        let scene = try Scene(caller)
        let policy = scene.folder + "/policy.toml"
        try scene.write("version = 1\n[filesystem]\n\(text)\n", to: policy)
        if caller == .root { try #require(chown(policy, 0, 0) == 0) }
        return (scene, ["--policy", policy])
    }

    private func read(_ paths: [String], _ scene: Scene, _ options: [String]) throws -> RunResult {
        let script = paths.map { "cat '\($0)' 2>/dev/null || echo 'no \($0)'" }.joined(separator: "; ")
        return try scene.runInside(["/bin/sh", "-c", script], options: options)
    }

    @Test(arguments: Caller.available) func whatMatchesIsNotThereToRead(caller: Caller) throws {
        let (scene, options) = try scene("deny_globs = [\"**/.env\", \"*.pem\", \"keys/*\"]", caller)
        for path in ["a", "a/b", "keys"] { try scene.makeFolder("\(scene.workspace)/\(path)") }
        let denied = [".env", "a/b/.env", "a/x.pem", "keys/one"], shown = ["a/env", "a/keys", ".envx"]
        for path in denied + shown { try scene.write("\(path)\n", to: "\(scene.workspace)/\(path)") }
        let result = try read(denied + shown, scene, options)
        #expect(result.lines == denied.map { "no \($0)" } + shown, "\(result.story)")
        // The control: without the patterns all of it is read.
        let plain = try read(denied + shown, scene, [])
        #expect(plain.lines == denied + shown, "\(plain.story)")
    }

    /// The other names of a denied file, as for any denied path.
    @Test(arguments: ["hard link", "link to it", "link to something shown"])
    func whatStaysReadableByAnotherNameIsARefusal(kind: String) throws {
        let (scene, options) = try scene("deny_globs = [\"**/.env\"]")
        let file = scene.workspace + "/.env"
        switch kind {
        case "hard link":
            try scene.write("secret\n", to: file)
            try #require(link(file, scene.workspace + "/other") == 0)
        case "link to it":
            // Its name is another one, and what it leads to is covered.
            try scene.write("secret\n", to: file)
            try scene.link(scene.workspace + "/other", to: ".env")
            let result = try read(["other", ".env"], scene, options)
            #expect(result.lines == ["no other", "no .env"], "\(result.story)")
            return
        default:
            try scene.write("secret\n", to: scene.workspace + "/other")
            try scene.link(file, to: "other")
        }
        let result = try read(["other"], scene, options)
        #expect(result.ending == .exited(125) && result.errorText.contains(".env"), "\(result.story)")
    }

    /// One path without a wildcard that is a link from outside into what is shown: refused, in the words of `filesystem.deny`.
    @Test(arguments: Caller.available) func onePathThatIsALinkIsRefusedAsADeniedOne(caller: Caller) throws {
        func said(_ key: String, _ target: String) throws -> RunResult {
            let (scene, _) = try scene("", caller)
            try scene.write("secret\n", to: scene.workspace + "/other")
            let door = "\(scene.folder)/door"
            try scene.link(door, to: target == "other" ? scene.workspace + "/other" : target)
            let policy = scene.folder + "/policy.toml"
            try scene.write("version = 1\n[filesystem]\n\(key) = [\"\(door)\"]\n", to: policy)
            if caller == .root { try #require(chown(policy, 0, 0) == 0) }
            return try read(["other"], scene, ["--policy", policy])
        }
        for key in ["deny", "deny_globs"] {
            let result = try said(key, "other")
            #expect(result.ending == .exited(125) && result.errorText.contains("/door"), "\(result.story)")
            #expect(result.errorText.contains("/other"), "\(result.story)")
            // The control: a link to nothing that is shown.
            let away = try said(key, "/nowhere")
            #expect(away.lines == ["secret"], "\(away.story)")
        }
    }

    /// A copy of the resolver's settings would show a file that is denied where it really lies.
    @Test(.enabled(if: geteuid() == 0, "only root can mount another /etc"))
    func theResolversSettingsAreNotShownWhereTheirFileIsDenied() throws {
        let scene = try Scene(.root)
        let (etc, run, policy) = (scene.folder + "/other-etc", scene.folder + "/run", scene.folder + "/policy.toml")
        try scene.write("version = 1\n[filesystem]\ndeny_globs = [\"\(run)/stub-?.*\"]\n", to: policy)
        try #require(chown(policy, 0, 0) == 0)
        try scene.makeFolder(run)
        try scene.write("nameserver 192.0.2.77\n", to: run + "/stub-1.conf")
        let script = """
            [ -e \(etc) ] || { mkdir \(etc) && cp -a /etc/passwd /etc/group \(etc) && ln -s \(run)/stub-1.conf \(etc)/resolv.conf; } || exit
            mount --bind \(etc) /etc && exec "$@"
            """
        func read(_ options: [String]) throws -> RunResult {
            let network = ["--network", "host", "--danger-host-network"]
            let mounted = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", script, "sh"]
            return try scene.run(
                mounted + scene.sandboxed(["/bin/cat", "/etc/resolv.conf"], options: network + options),
                keeper: scene.caller.keeperOptions
            )
        }
        for options in [["--deny", run + "/stub-1.conf"], ["--deny", run], ["--policy", policy]] {
            let result = try read(options)
            #expect(result.output == [] && result.errorText.contains("No such file"), "\(result.story)")
        }
        let control = try read(["--deny", etc])
        #expect(control.lines == ["nameserver 192.0.2.77"], "\(control.story)")
        // A file that is mounted there, and was replaced since where it comes from: the kernel calls it deleted, and it is there.
        let source = scene.folder + "/source.conf"
        try scene.write("nameserver 192.0.2.78\n", to: source)
        let replaced = """
            mount --bind \(etc) /etc && rm /etc/resolv.conf && : > /etc/resolv.conf && mount --bind \(source) /etc/resolv.conf && \
            cp \(source) \(source).new && mv \(source).new \(source) && "$@"; status=$?
            umount /etc/resolv.conf; ln -sf \(run)/stub-1.conf /etc/resolv.conf; exit $status
            """
        for (options, text) in [([], "nameserver 192.0.2.78"), (["--deny", "/etc/resolv.conf"], nil)] {
            let result = try scene.run(
                ["/usr/bin/unshare", "-m", "/bin/sh", "-c", replaced, "sh"]
                    + scene.sandboxed(
                        ["/bin/cat", "/etc/resolv.conf"],
                        options: ["--network", "host", "--danger-host-network"] + options
                    ),
                keeper: scene.caller.keeperOptions
            )
            #expect(result.lines.first == text, "\(result.story)")
        }
        // A host whose resolver is not running has the link and no file: no reason to run nothing.
        try #require(unlink(run + "/stub-1.conf") == 0)
        let without = try read([])
        #expect(without.ending == .exited(1) && without.errorText.contains("No such file"), "\(without.story)")
    }

    /// What a policy lists of `/etc` need not be there: `java-*` on a host without one.
    @Test(arguments: Caller.available) func aPatternMayMeanNamesThatThisHostDoesNotHave(caller: Caller) throws {
        let (scene, options) = try scene("deny_globs = [\"/etc/java-*\", \"/etc/pk*/*\", \"/etc/pass*\"]", caller)
        let result = try read(["/etc/passwd"], scene, options)
        #expect(result.ending == .exited(0) && result.lines == ["no /etc/passwd"], "\(result.story)")
        let plain = try read(["/etc/passwd"], scene, [])
        #expect(plain.lines.contains { $0.hasPrefix("sandbox:") }, "\(plain.story)")
    }

    /// `/bin` is a link on most hosts: what the wildcard in its name means is shown below `/usr`.
    @Test(arguments: Caller.available) func aWildcardInTheNameOfALinkThatIsShown(caller: Caller) throws {
        let (scene, options) = try scene("deny_globs = [\"/*bin/factor\"]", caller)
        let script =
            "for f in /bin/factor /usr/bin/factor; do head -c 4 $f >/dev/null 2>&1 && echo read || echo no; done"
        let denied = try scene.runInside(["/bin/sh", "-c", script], options: options)
        var found = stat()
        try #require(lstat("/bin", &found) == 0)
        try #require(found.st_mode & S_IFMT == S_IFLNK, "this host's /bin is no link")
        #expect(denied.lines == ["no", "no"], "\(denied.story)")
        let plain = try scene.runInside(["/bin/sh", "-c", script])
        #expect(plain.lines == ["read", "read"], "\(plain.story)")
    }

    @Test func whatCannotBeWorkedOutIsARefusal() throws {
        let (scene, options) = try scene("deny_globs = [\"*.pem\"]")
        for index in 0..<257 { try scene.write("", to: scene.workspace + "/\(index).pem") }
        let result = try read(["0.pem"], scene, options)
        let isNamed = result.errorText.contains("deny_globs") && result.errorText.contains("256")
        #expect(result.ending == .exited(125) && isNamed, "\(result.story)")
        try #require(unlink(scene.workspace + "/0.pem") == 0)
        let most = try read(["1.pem", "256.pem"], scene, options)
        #expect(most.lines == ["no 1.pem", "no 256.pem"], "\(most.story)")
    }

    /// A project may deny more, and the record has what its patterns came to.
    @Test func aProjectCanDeny() throws {
        let scene = try Scene(.user)
        try scene.write(
            "version = 1\n[filesystem]\ndeny_globs = [\"*.pem\"]\n",
            to: scene.workspace + "/.codex-sandbox.toml"
        )
        try scene.write("secret\n", to: scene.workspace + "/x.pem")
        let result = try read(["x.pem"], scene, [])
        #expect(result.lines == ["no x.pem"], "\(result.story)")
        let explained = try scene.run(
            [scene.workshop.launcher, "explain", "--workspace", scene.workspace, "--", "true"],
            keeper: scene.caller.keeperOptions
        )
        let line = explained.lines.first { $0.hasPrefix("  filesystem.deny ") } ?? ""
        #expect(line.contains("/x.pem") && line.hasSuffix(", filesystem.deny_globs"), "\(explained.story)")
    }

    // MARK: - Toolchains

    @Test func aToolchainIsShownWithoutItsCredentials() throws {
        let (scene, options) = try scene("toolchains = [\"rustup\", \"nvm\"]")
        let node = ".nvm/versions/node/v22"
        let files = [
            ".rustup/settings.toml", ".cargo/bin/cargo", ".cargo/credentials.toml", ".cargo/config.toml",
            "\(node)/bin/node",
            "\(node)/etc/npmrc", "\(node)/lib/node_modules/npm/npmrc", "\(node)/lib/node_modules/npm/index.js",
            ".npmrc",
        ]
        for file in files {
            try FileManager.default.createDirectory(
                at: URL(fileURLWithPath: "\(scene.home)/\(file)").deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try scene.write("\(file)\n", to: "\(scene.home)/\(file)")
        }
        let denied = [3, 4, 6, 7, 9].map { files[$0 - 1] }
        let result = try read(files.map { "\(scene.home)/\($0)" }, scene, options)
        let expected = files.map { denied.contains($0) ? "no \(scene.home)/\($0)" : $0 }
        #expect(result.lines == expected, "\(result.story)")
        let script = "echo $RUSTUP_HOME $NVM_DIR; touch $RUSTUP_HOME/x 2>/dev/null || echo read-only"
        let inside = try scene.runInside(["/bin/sh", "-c", script], options: options)
        #expect(inside.lines == ["\(scene.home)/.rustup \(scene.home)/.nvm", "read-only"], "\(inside.story)")
        try FileManager.default.removeItem(atPath: scene.home + "/.rustup")
        let missing = try read([], scene, options)
        #expect(missing.ending == .exited(125) && missing.errorText.contains(".rustup"), "\(missing.story)")
    }

    // MARK: - Names of secrets

    @Test func explainNamesSecretsThatTheJobCouldRead() throws {
        let scene = try Scene(.user)
        func notes(_ options: [String] = []) throws -> String {
            let words =
                [scene.workshop.launcher, "explain", "--workspace", scene.workspace] + options + ["--", "true"]
            let result = try scene.run(words, keeper: scene.caller.keeperOptions)
            try #require(result.ending == .exited(0), "\(result.story)")
            return result.errorText
        }
        try scene.write("", to: scene.workspace + "/id_rsa.pub")
        #expect(try !notes().contains("secret"))
        for name in [".env.local", "server.pem", "id_ed25519"] { try scene.write("", to: scene.workspace + "/" + name) }
        let said = try notes()
        #expect(said.contains("secret: .env.local, id_ed25519, server.pem in \(scene.workspace);"), "\(said)")
        let denied = try notes(["--deny", scene.workspace + "/server.pem"])
        #expect(denied.contains("secret: .env.local, id_ed25519 in"), "\(denied)")
        // On the launch path nobody looks.
        #expect(try !scene.runInside(["true"]).errorText.contains("secret"))
    }
}
