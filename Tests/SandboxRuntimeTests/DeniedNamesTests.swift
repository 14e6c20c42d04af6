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
        #expect(try tree.found(["round/round/real/*.key"]) == ["real/x.key"])
        #expect(try tree.found(["a/**/z.key", "a/up/up/b/*"]) == ["a/b/z.key"])
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
