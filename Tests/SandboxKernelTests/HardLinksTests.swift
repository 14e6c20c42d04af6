import Foundation
import SandboxPlan
import Testing

@testable import SandboxKernel

@Suite struct HardLinksTests {
    /// A folder `kept` with files in it, and room beside it.
    private final class Tree {
        let path: OSString
        var kept: OSString { path.appending("kept") }

        init() throws {
            var template = Array("/tmp/codex-sandbox-test-links-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            path = try RealPath.of(OSString(template.dropLast().map { UInt8(bitPattern: $0) }))
            for folder in ["kept", "kept/a", "kept/a/b", "other"] {
                try #require(mkdir("\(path)/\(folder)", 0o755) == 0)
            }
            for file in ["kept/one", "kept/a/b/deep", "other/file"] { try write(file) }
        }

        deinit {
            do {
                try FileManager.default.removeItem(atPath: "\(path)")
            } catch { Issue.record("\(path) is left: \(error)") }
        }

        func write(_ name: String) throws {
            try Data("x".utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        }

        func link(_ old: String, _ new: String) throws {
            try #require(Glibc.link("\(path)/\(old)", "\(path)/\(new)") == 0)
        }
    }

    private func found(_ tree: Tree, limit: Int = 10_000) throws -> HardLinks.Finding? {
        var links = HardLinks(limit: limit)
        return try links.first(outside: tree.kept)
    }

    @Test func filesWithOneNameAreFine() throws {
        let tree = try Tree()
        #expect(try found(tree) == nil)
    }

    @Test(arguments: ["one", "a/b/deep"])
    func aNameOutsideIsFound(file: String) throws {
        let tree = try Tree()
        try tree.link("kept/\(file)", "other/second")
        let finding = try found(tree)
        #expect(finding == HardLinks.Finding(path: tree.kept.appending(OSString(file)), names: 2, outside: 1))
    }

    /// What a tool links inside its own folder is kept with all its names.
    @Test func namesInTheSameFolderAreFine() throws {
        let tree = try Tree()
        try tree.link("kept/one", "kept/a/two")
        try tree.link("kept/one", "kept/a/b/three")
        #expect(try found(tree) == nil)
        try tree.link("kept/one", "other/four")
        #expect(try found(tree)?.outside == 1)
    }

    @Test func linksAreNotFollowed() throws {
        let tree = try Tree()
        try tree.link("other/file", "other/second")
        try #require(symlink("\(tree.path)/other", "\(tree.kept)/way") == 0)
        try #require(symlink("\(tree.path)/other/file", "\(tree.kept)/file") == 0)
        #expect(try found(tree) == nil)
    }

    @Test func moreThanTheLimitIsAnError() throws {
        let tree = try Tree()
        #expect(try found(tree, limit: 4) == nil)
        #expect(throws: HardLinks.Failure.tooMany(3)) { try found(tree, limit: 3) }
    }

    @Test func theLimitIsForAllFolders() throws {
        let tree = try Tree()
        var links = HardLinks(limit: 6)
        _ = try links.first(outside: tree.kept)
        #expect(throws: HardLinks.Failure.tooMany(6)) { try links.first(outside: tree.kept) }
    }

    @Test func aFolderThatIsNotThereHoldsNothing() throws {
        let tree = try Tree()
        var links = HardLinks()
        #expect(try links.first(outside: tree.path.appending("missing")) == nil)
    }
}
