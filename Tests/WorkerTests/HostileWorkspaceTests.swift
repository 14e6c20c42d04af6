import Foundation
import Glibc
import Testing

/// What an earlier job may have left for this one to stumble over.
@Suite struct HostileWorkspaceTests {
    /// Something outside that must stay as it is.
    private let outside: Project

    init() throws {
        outside = try Project()
        try outside.write("outside\n", to: "target")
    }

    private func expectUntouched() throws {
        #expect(try outside.files() == ["target": Array("outside\n".utf8)])
    }

    private func link(_ project: Project, _ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: project.path(name), withDestinationPath: target)
    }

    private func expectUnusable(_ outcome: Project.Outcome, _ name: String) {
        #expect(outcome.result.status == "error")
        #expect(
            outcome.result.errors.first?.hasPrefix("unusable_file: \(name) is ") == true,
            "\(outcome.result.errors)"
        )
    }

    @Test(arguments: ["dummy", "minimal"], ["README.md", "app.py", "tests/test_cli.py"])
    func linkIsNotWrittenThrough(_ kind: String, _ name: String) throws {
        for target in [outside.path("target"), outside.path("absent"), "../\(name)", "/proc/self/environ"] {
            let project = try Project()
            try FileManager.default.createDirectory(atPath: project.path("tests"), withIntermediateDirectories: false)
            try link(project, name, to: target)
            let outcome = try project.job(kind, "initial_project", "Generate")
            expectUnusable(outcome, name)
            #expect(outcome.result.errors.first?.contains("symbolic link") == true)
            let written = outcome.result.created
            #expect(try project.sources().keys.filter { $0 != name }.sorted() == written.sorted())
            try expectUntouched()
        }
    }

    @Test(arguments: ["dummy", "minimal"])
    func linkedFolderIsNotEntered(_ kind: String) throws {
        let project = try Project()
        try link(project, "tests", to: outside.folder)
        expectUnusable(try project.job(kind, "initial_project", "Generate"), "tests")
        try expectUntouched()
    }

    @Test func hardLinkKeepsItsOtherName() throws {
        let project = try Project()
        #expect(Glibc.link(outside.path("target"), project.path("app.py")) == 0)
        #expect(try project.job("dummy", "initial_project", "Generate").result.status == "success")
        try expectUntouched()
    }

    @Test(arguments: [
        ("app.py", Step.comment), ("app.py", .fifteen), ("README.md", .usage), ("README.md", .newline),
        ("CHANGELOG.md", .usage), ("fibonacci.py", .split), ("utils.py", .addUtilities), ("utils.py", .useUtilities),
        ("docs", .pages), ("README.md", .arguments),
    ])
    func editsFollowNoLinks(_ name: String, _ step: Step) throws {
        let project = try Project()
        _ = try project.job("minimal", "initial_project", "Generate")
        if project.exists(name) { try FileManager.default.removeItem(atPath: project.path(name)) }
        try link(project, name, to: name == "docs" ? outside.folder : outside.path("target"))
        expectUnusable(try project.edit(step.rawValue), name)
        try expectUntouched()
    }

    @Test(arguments: ["app.py", "README.md", "tests/test_cli.py"])
    func folderInPlaceOfAFileIsAnError(_ name: String) throws {
        let project = try Project()
        try FileManager.default.createDirectory(atPath: project.path(name), withIntermediateDirectories: true)
        let outcome = try project.job("minimal", "initial_project", "Generate")
        expectUnusable(outcome, name)
        #expect(outcome.result.errors.first?.contains("a folder where a file should be") == true)
    }

    @Test func fileInPlaceOfAFolderIsAnError() throws {
        let project = try Project()
        try project.write("", to: "tests")
        expectUnusable(try project.job("minimal", "initial_project", "Generate"), "tests")
    }

    @Test func otherKindsOfFilesDoNotBlock() throws {
        let project = try Project()
        #expect(mkfifo(project.path("app.py"), 0o644) == 0)
        expectUnusable(try project.edit(Step.comment.rawValue), "app.py")
        let request = try Project()
        #expect(mkfifo(request.path(".codex/request.json"), 0o644) == 0)
        let outcome = try request.run("minimal")
        #expect(outcome.result.errors.first?.contains("no regular file") == true, "\(outcome.result.errors)")
    }

    @Test func linkedRequestIsNotRead() throws {
        let project = try Project()
        try outside.write(Project.request("edit", "Append a comment"), to: "target")
        try link(project, ".codex/request.json", to: outside.path("target"))
        let outcome = try project.run("minimal")
        #expect(outcome.result.jobID == nil)
        #expect(outcome.result.errors.first?.contains("symbolic link") == true, "\(outcome.result.errors)")
    }

    @Test func linkAtTheResultIsReplaced() throws {
        let project = try Project()
        try link(project, ".codex/result.json", to: outside.path("target"))
        #expect(try project.job("dummy", "initial_project", "Generate").result.status == "success")
        var found = stat()
        #expect(lstat(project.path(".codex/result.json"), &found) == 0 && found.st_mode & S_IFMT == S_IFREG)
        try expectUntouched()
    }

    @Test func exchangeFolderThatLeadsOutHasNoResult() throws {
        let project = try Project()
        try FileManager.default.removeItem(atPath: project.path(".codex"))
        try link(project, ".codex", to: outside.folder)
        let ending = try WorkerProcess.run(["dummy"], ["WORKSPACE_DIR": project.folder])
        #expect(ending.status == 2 && ending.errors.contains(".codex is not a folder"), "\(ending.errors)")
        #expect(try project.sources().isEmpty)
        try expectUntouched()
    }

    @Test func folderAtTheResultHasNoResult() throws {
        let project = try Project()
        try project.write(Project.request("edit", "Append a comment"), to: ".codex/request.json")
        let path = project.path(".codex/result.json")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let ending = try WorkerProcess.run(["minimal"], ["WORKSPACE_DIR": project.folder])
        #expect(ending.status == 2 && ending.errors.contains("result.json is a folder"), "\(ending.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: project.path(".codex")).count == 2)
    }

    // MARK: - Files of others

    @Test func programOfOthersIsNotRewritten() throws {
        let project = try Project()
        try project.write("print('mine')\nDEFAULT_N = 10\n", to: "app.py")
        for step in [Step.fifteen, .refactor, .split, .arguments, .useUtilities] {
            let outcome = try project.edit(step.rawValue)
            #expect(outcome.result.errors.first?.hasPrefix("unrecognised_file: app.py") == true, "\(step)")
            #expect(outcome.result.created.isEmpty && outcome.result.modified.isEmpty)
        }
        #expect(try project.sources() == ["app.py": Array("print('mine')\nDEFAULT_N = 10\n".utf8)])
        #expect(try project.edit(Step.comment.rawValue).result.modified == ["app.py"])
        #expect(try project.program().output == "mine\n")
    }

    @Test func modulesOfOthersStay() throws {
        let project = try Project()
        _ = try project.job("minimal", "initial_project", "Generate")
        try project.write("x = 1\n", to: "fibonacci.py")
        let outcome = try project.edit(Step.split.rawValue)
        #expect(outcome.result.errors.first?.hasPrefix("unrecognised_file: fibonacci.py") == true)
        try project.write("y = 2\n", to: "utils.py")
        #expect(try project.edit(Step.addUtilities.rawValue).result.modified == ["utils.py"])
        #expect(try project.text("utils.py").hasPrefix("y = 2\n\n\ndef format_sequence("))
        _ = try project.edit(Step.useUtilities.rawValue)
        try project.runTests(after: "a module with something else")
    }

    @Test func largeFilesAreNotEdited() throws {
        let project = try Project()
        let limit = 1 << 20
        try project.write([UInt8](repeating: 0x23, count: limit), to: "README.md")
        #expect(try project.edit(Step.newline.rawValue).result.modified == ["README.md"])
        expectUnusableSize(try project.edit(Step.newline.rawValue))
        #expect(try project.bytes("README.md").count == limit + 1)
    }

    private func expectUnusableSize(_ outcome: Project.Outcome) {
        #expect(
            outcome.result.errors == [
                "unusable_file: README.md is larger than 1048576 bytes; make it smaller or remove it"
            ]
        )
    }
}
