import Foundation
import Glibc
import SandboxPlan
import Testing

@testable import SandboxRuntime

@Suite struct DeniedNamesTests {
    /// A folder with these files; a name that ends in a slash is a folder.
    private final class Tree {
        let path: String

        init(_ names: [String]) throws {
            var template = Array("/tmp/codex-sandbox-tests-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            for name in names { try add(name) }
        }

        func add(_ name: String) throws {
            let url = URL(fileURLWithPath: "\(path)/\(name)")
            if name.hasSuffix("/") {
                try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            } else {
                let folder = url.deletingLastPathComponent()
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                try Data().write(to: url)
            }
        }

        deinit {
            do {
                try FileManager.default.removeItem(atPath: path)
            } catch {
                FileHandle.standardError.write(Data("tests: could not remove \(path): \(error)\n".utf8))
            }
        }

        func found(_ globs: [OSString], _ bounds: DeniedNames.Bounds = .init()) throws -> [String] {
            try DeniedNames.paths(matching: globs, in: [OSString(path)], bounds).map {
                String($0.description.dropFirst(path.count + 1))
            }
        }
    }

    private func message(_ body: () throws -> [String]) -> String {
        do {
            return "found \(try body())"
        } catch { return (error as? Refusal)?.message ?? "\(error)" }
    }

    @Test func everyMatchIsFoundAndNothingElse() throws {
        let tree = try Tree([".env", "a/.env", "a/b/c/.env", "a/env", "secrets/x.pem", "secrets/deep/y.pem", "z.pem"])
        #expect(try tree.found(["**/.env"]) == [".env", "a/.env", "a/b/c/.env"])
        // Below a folder that matches there is nothing left to find.
        #expect(try tree.found(["*.pem", "secrets"]) == ["secrets", "z.pem"])
        #expect(try tree.found(["nothing"]) == [])
        #expect(try tree.found([OSString("\(tree.path)/a/*")]) == ["a/.env", "a/b", "a/env"])
    }

    @Test func noLinkIsFollowed() throws {
        let outside = try Tree(["inner/.env"])
        let tree = try Tree(["real/.env"])
        try #require(symlink(outside.path, tree.path + "/away") == 0)
        try #require(symlink("..", tree.path + "/real/up") == 0)
        #expect(try tree.found(["**/.env"]) == ["real/.env"])
        // A link that matches is one; what it leads to is judged with the plan.
        try #require(symlink("real/.env", tree.path + "/.env") == 0)
        #expect(try tree.found(["**/.env"]) == [".env", "real/.env"])
    }

    /// What has matched and is gone may have another name by now.
    @Test func aMatchThatIsGoneIsARefusal() throws {
        let file = HostEntry.file(FileIdentity(device: 1, inode: 1, uid: 1, gid: 1))
        try Preparation.checkMatched(["/w/.env"], ["/w/.env": file])
        try Preparation.checkMatched([], [:])
        #expect(throws: Refusal.self) {
            try Preparation.checkMatched(["/w/a", "/w/.env"], ["/w/a": file, "/w/.env": .absent])
        }
    }

    /// A pattern that goes on behind a link means what is there, by its real path.
    @Test func whatIsBehindALinkToAFolderIsMeant() throws {
        let outside = try Tree(["x.key"])
        let tree = try Tree(["real/x.key", "real/deep/y.key", "config/", "a/b/z.key"])
        for (name, target) in [
            ("config/more", "../real"), ("linked", "real"), ("round", "."), ("away", outside.path), ("none", "nowhere"),
            ("a/up", "../a"),
        ] { try #require(symlink(target, "\(tree.path)/\(name)") == 0) }
        // The control: without a link in the way.
        #expect(try tree.found(["real/*.key"]) == ["real/x.key"])
        #expect(try tree.found(["linked/*.key"]) == ["real/x.key"])
        #expect(try tree.found(["config/more/deep/*"]) == ["real/deep/y.key"])
        #expect(try tree.found([OSString("\(tree.path)/linked/*.key")]) == ["real/x.key"])
        #expect(try tree.found(["away/*.key", "none/*.key"]) == [])
        // A link outside of what is shown, on the way to it.
        let door = outside.path + "/door"
        try #require(symlink(tree.path, door) == 0)
        #expect(
            try tree.found([OSString("\(door)/real/*.key"), OSString("\(door)/real/deep/y.key")]) == [
                "real/deep/y.key", "real/x.key",
            ]
        )
        #expect(
            try tree.found([OSString("\(door)/**/z.key"), OSString("\(door)/linked/deep/y.key")]) == [
                "a/b/z.key", "real/deep/y.key",
            ]
        )
        #expect(try tree.found([OSString("\(outside.path)/nowhere/*.key"), OSString("\(outside.path)/x.key/*")]) == [])
        #expect(try tree.found(["round/round/real/*.key"]) == ["real/x.key"])
        #expect(try tree.found(["a/**/z.key", "a/up/up/b/*"]) == ["a/b/z.key"])
    }

    /// A file system may leave it open what an entry is.
    @Test func linksAreFollowedWhereKindsAreNotTold() throws {
        let tree = try Tree(["settings/x.key", "settings/deep/y.key", "plain"])
        for (name, target) in [("config", "settings"), ("none", "nowhere"), ("file", "plain")] {
            try #require(symlink(target, "\(tree.path)/\(name)") == 0)
        }
        for kindsAreTold in [true, false] {
            var bounds = DeniedNames.Bounds()
            bounds.kindsAreTold = kindsAreTold
            #expect(try tree.found(["config/*.key"], bounds) == ["settings/x.key"])
            #expect(try tree.found(["config/deep/*", "*/x.key"], bounds) == ["settings/deep/y.key", "settings/x.key"])
            #expect(try tree.found(["**/*.key"], bounds) == ["settings/deep/y.key", "settings/x.key"])
            #expect(try tree.found(["none/*", "file/*", "plain/*"], bounds) == [])
        }
    }

    /// `/bin`, which is a link to `usr/bin`: a wildcard in its own name means what is behind it.
    @Test func aRootThatIsALinkIsFollowed() throws {
        let host = try Tree(["usr/bin/su", "usr/bin/cat", "usr/lib/a/x.pem"])
        let tree = try Tree([])
        for (name, target) in [
            ("bin", "usr/bin"), ("lib", "usr/lib"), ("lost", "nowhere"), ("inside", "/nowhere-here/x"),
        ] {
            try #require(symlink(target, "\(host.path)/\(name)") == 0)
        }
        func found(
            _ pattern: String,
            _ system: [String],
            movedTo inside: OSString? = nil,
            _ bounds: DeniedNames.Bounds = .init()
        ) throws -> [String] {
            try DeniedNames.paths(
                matching: [OSString(host.path + pattern)],
                in: [OSString(tree.path)],
                system: system.map { OSString("\(host.path)/\($0)") },
                movedTo: inside,
                bounds
            )
            .map { String($0.description.dropFirst(host.path.count + 1)) }
        }
        #expect(try found("/*in/su", ["usr", "bin", "lib"]) == ["usr/bin/su"])
        #expect(try found("/?ib/**/*.pem", ["usr", "lib"]) == ["usr/lib/a/x.pem"])
        // The controls: nothing has that name, or what is behind it is not shown.
        #expect(try found("/*in/su", ["usr", "lib"]) == [])
        #expect(try found("/*in/su", ["bin"]) == [])
        // One that leads nowhere is no reason to refuse, unless it may lead into the workspace there.
        #expect(try found("/*/su", ["usr", "bin", "lost"], movedTo: "/nowhere-here") == ["usr/bin/su"])
        let words = "is a link that leads elsewhere inside the sandbox than here"
        #expect(message { try found("/*/su", ["usr", "inside"], movedTo: "/nowhere-here") }.contains(words))
        #expect(try found("/*/su", ["usr", "inside"]) == [])
    }

    /// What is meant in every folder is not looked for twice.
    @Test func aRootThatIsALinkCostsNothingForPatternsOfEveryFolder() throws {
        let host = try Tree(["usr/lib/a/x.pem"])
        let tree = try Tree([])
        try #require(symlink("usr/lib", host.path + "/lib") == 0)
        var bounds = DeniedNames.Bounds()
        bounds.entries = 3
        let found = try DeniedNames.paths(
            matching: ["/**/x.pem"],
            in: [OSString(tree.path)],
            system: ["usr", "lib"].map { OSString("\(host.path)/\($0)") },
            bounds
        )
        #expect(found == [OSString(host.path + "/usr/lib/a/x.pem")])
    }

    /// One path without a wildcard is denied as `filesystem.deny` has it: a link in the last name, too, wherever it lies.
    @Test func onePathIsMeantWhereverItLies() throws {
        let outside = try Tree(["file"])
        let tree = try Tree(["real/x.key"])
        for (name, target) in [("door", tree.path + "/real/x.key"), ("round", "round"), ("up", ".")] {
            try #require(symlink(target, "\(outside.path)/\(name)") == 0)
        }
        func found(_ name: String) throws -> [String] { try tree.found([OSString("\(outside.path)/\(name)")]) }
        #expect(try found("door") == ["door"])
        #expect(try found("file") == ["file"])
        #expect(try found("round") == ["round"])
        // By the real path of its folder, and nothing where nothing is.
        #expect(try found("up/door") == ["door"])
        #expect(try found("missing") == [] && found("file/x") == [] && found("round/x") == [])
        // A pattern with a wildcard means what is shown.
        #expect(try found("doo?") == [])
    }

    /// The kernel's own links lead each process elsewhere: what is behind one inside cannot be known here.
    @Test(arguments: ["/proc/self/cwd/real", "/proc/thread-self/root/tmp", "/dev/fd/../cwd/real"])
    func aLinkThroughAProcessIsRefused(target: String) throws {
        let tree = try Tree(["real/a.key"])
        try #require(symlink("real", tree.path + "/plain") == 0)
        #expect(try tree.found(["plain/*.key"]) == ["real/a.key"])
        try #require(symlink(target, tree.path + "/config") == 0)
        let words = "is a link that leads elsewhere inside the sandbox than here"
        #expect(message { try tree.found(["config/*.key"]) }.contains(words))
        // By its whole path, too; and where no pattern goes on behind it, it is any link.
        let whole = OSString("\(tree.path)/config/a.key")
        #expect(message { try tree.found([whole]) }.contains("leads through a folder of a process"))
        #expect(try tree.found(["**/*.key"]) == ["real/a.key"])
    }

    /// Where the workspace has another path inside, a link may lead there that leads nowhere here.
    @Test func aLinkIntoAMovedWorkspaceIsRefused() throws {
        let tree = try Tree(["real/a.key"])
        try #require(symlink("/nowhere-here/real", tree.path + "/config") == 0)
        func found(_ inside: OSString?) throws -> [String] {
            try DeniedNames.paths(matching: ["config/*.key"], in: [OSString(tree.path)], movedTo: inside)
                .map(\.description)
        }
        #expect(try found(nil) == [])
        let words = "is a link that leads elsewhere inside the sandbox than here"
        #expect(message { try found("/nowhere-here") }.contains(words))
        // The host has something there, which is not what the job sees.
        let other = try Tree(["real/b.key"])
        try #require(unlink(tree.path + "/config") == 0 && symlink(other.path + "/real", tree.path + "/config") == 0)
        #expect(message { try found(OSString(other.path)) }.contains(words))
        #expect(try found("/elsewhere") == [])
    }

    /// A policy may list what a host does not have; what the place makes for itself is meant all the same.
    @Test func whatIsListedAndNotThereIsNotMeant() throws {
        let host = try Tree(["there", "link-to/x"])
        try #require(symlink("nowhere", host.path + "/dangling") == 0)
        let tree = try Tree([])
        func found(_ names: [String], made: [String] = []) throws -> [String] {
            try DeniedNames.paths(
                matching: [OSString("\(host.path)/*")],
                in: [OSString(tree.path)],
                system: names.map { OSString("\(host.path)/\($0)") },
                made: made.map { OSString("\(host.path)/\($0)") }
            )
            .map { String($0.description.dropFirst(host.path.count + 1)) }
        }
        #expect(
            try found(["there", "absent", "pki/tls", "dangling", "link-to/x"]) == ["dangling", "link-to", "there"]
        )
        #expect(try found(["absent"], made: ["passwd"]) == ["passwd"])
    }

    /// A folder that a link leads to, and that can be entered, but not listed: its names could be guessed.
    @Test func whatALinkLeadsToAndCannotBeListedIsARefusal() throws {
        let tree = try Tree(["real/x.key"])
        try #require(symlink("real", tree.path + "/linked") == 0)
        #expect(try tree.found(["linked/*.key"]) == ["real/x.key"])
        for mode: mode_t in [0o300, 0o600, 0] {
            try #require(chmod(tree.path + "/real", mode) == 0)
            if geteuid() == 0 {
                #expect(try tree.found(["linked/*.key"]) == ["real/x.key"])
            } else if mode == 0o600 {
                // Listed it can be; a job may open it (chmod(2)), and the name is covered.
                #expect(try tree.found(["linked/*.key"]) == ["real/x.key"])
            } else {
                #expect(message { try tree.found(["linked/*.key"]) }.contains("could not be looked through"))
            }
        }
        // Outside of what is shown nobody can get there.
        let outside = try Tree(["x.key"])
        try #require(symlink(outside.path, tree.path + "/away") == 0 && chmod(outside.path, 0o300) == 0)
        #expect(try tree.found(["away/*.key"]) == [])
        try #require(chmod(tree.path + "/real", 0o700) == 0 && chmod(outside.path, 0o700) == 0)
    }

    /// In front of a pattern: one's own closed folder could be opened again, somebody else's is closed to a job as well.
    @Test func aClosedFolderInFrontOfAPattern() throws {
        let tree = try Tree(["real/x.key"])
        let outside = try Tree(["closed/"])
        try #require(symlink(tree.path + "/real", outside.path + "/closed/door") == 0)
        let pattern = OSString("\(outside.path)/closed/door/*.key")
        #expect(try tree.found([pattern]) == ["real/x.key"])
        try #require(chmod(outside.path + "/closed", 0) == 0)
        if geteuid() == 0 {
            #expect(try tree.found([pattern]) == ["real/x.key"])
        } else {
            #expect(message { try tree.found([pattern]) }.contains("could not be looked at"))
            let closed = ["/root", "/var/lib/private", "/lost+found"].first { path in
                var found = stat()
                return lstat(path, &found) == 0 && found.st_uid != geteuid() && access(path, X_OK) != 0
            }
            if let closed { #expect(try tree.found([OSString("\(closed)/folder/*.key")]) == []) }
        }
        try #require(chmod(outside.path + "/closed", 0o700) == 0)
    }

    /// Past each bound nothing is answered, and just within it everything.
    @Test func aListIsNeverShorterThanItShouldBe() throws {
        let tree = try Tree((0..<20).map { "d\($0)/x.pem" })
        var bounds = DeniedNames.Bounds()
        bounds.entries = 40
        #expect(try tree.found(["*.pem"], bounds).count == 20)
        bounds.entries = 39
        #expect(message { try tree.found(["*.pem"], bounds) }.contains("more than 39 entries"))
        bounds = DeniedNames.Bounds()
        bounds.matches = 20
        #expect(try tree.found(["*.pem"], bounds).count == 20)
        bounds.matches = 19
        #expect(message { try tree.found(["*.pem"], bounds) }.contains("more than 19 names"))
        bounds = DeniedNames.Bounds()
        bounds.depth = 1
        #expect(message { try tree.found(["*.pem"], bounds) }.contains("more than 1 deep"))
        // No further than a pattern reaches.
        #expect(try tree.found(["*/x"], DeniedNames.Bounds()) == [] && tree.found(["./*.pem"], bounds) == [])
        bounds = DeniedNames.Bounds()
        bounds.time = -1
        #expect(message { try tree.found(["*.pem"], bounds) }.contains("ms"))
    }

    @Test func aFolderOfOurOwnThatIsClosedIsARefusal() throws {
        let tree = try Tree(["closed/.env"])
        try #require(chmod(tree.path + "/closed", 0) == 0)
        if geteuid() == 0 {
            // Root opens every folder.
            #expect(try tree.found(["**/.env"]) == ["closed/.env"])
        } else {
            #expect(message { try tree.found(["**/.env"]) }.contains("could not be looked through"))
        }
        try #require(chmod(tree.path + "/closed", 0o700) == 0)
        #expect(try tree.found(["**/.env"]) == ["closed/.env"])
    }
}
