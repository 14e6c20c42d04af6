import Foundation
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// The command as people run it, in a process of its own.
@Suite struct EvidenceCommandTests {
    private let scratch: ScratchFolder
    private let workspace: String

    init() throws {
        scratch = try ScratchFolder()
        workspace = scratch.path("a project")
        try FileManager.default.createDirectory(atPath: workspace, withIntermediateDirectories: false)
    }

    private var location: EvidenceLocation {
        EvidenceLocation(stateFolder: OSString(scratch.path("state")), workspace: OSString(workspace))
    }

    private func keep(_ end: LaunchEnd = SampleLaunch.ends[0], id: UInt8 = 1) throws {
        var context = SampleLaunch.context
        context.id = LaunchID([UInt8](repeating: id, count: 16))
        context.workspace = RecordedWorkspace(path: OSString(workspace))
        let prepared = PreparedContext(context)
        var store = try EvidenceStore(opening: location)
        try store.appendStart(prepared, layers: SampleLaunch.layers, at: SampleLaunch.time)
        try store.appendOutcome(prepared, end)
    }

    private func run(_ arguments: String..., state: String? = nil) throws -> Program {
        try Program.run(
            try Program.product("codex-sandboxd"),
            ["evidence"] + arguments,
            environment: ["CODEX_SANDBOX_STATE_DIR": state ?? scratch.path("state")],
            folder: workspace
        )
    }

    @Test func showTellsTheLastLaunchOfTheCurrentFolder() throws {
        try keep(id: 1)
        try keep(SampleLaunch.ends[1], id: 2)
        let shown = try run("show")
        #expect(shown.status == 0 && shown.error.isEmpty, "\(shown.error)")
        #expect(shown.output.hasPrefix("launch 02020202020202020202020202020202: signalled SIGSEGV\n"))
        #expect(try run("show", "--last").output == shown.output)
        #expect(try run("show", "0101").output.hasPrefix("launch 01010101010101010101010101010101: exited 0\n"))
    }

    @Test func showJSONIsOneObjectWithBothRecords() throws {
        try keep()
        let shown = try run("show", "--json")
        let value = try JSONReader.value(in: Array(shown.output.utf8))
        #expect(value["state"] == "exited")
        #expect(value["start"]?["predicateType"]?.string == LaunchStatement.startType)
        #expect(value["outcome"]?["predicateType"]?.string == LaunchStatement.outcomeType)
    }

    @Test func listHasALineForEachLaunch() throws {
        for id in 1...3 as ClosedRange<UInt8> { try keep(id: id) }
        let listed = try run("list", "--limit", "2")
        #expect(listed.status == 0)
        #expect(listed.output.split(separator: "\n").map { $0.prefix(4) } == ["0303", "0202"])
        #expect(listed.output.contains("python3 -m unittest ''"))
        #expect(listed.error.contains("there are older ones"))
        #expect(try run("list", "--json").output.split(separator: "\n").count == 3)
    }

    @Test func otherWorkspaceAndStateFolderCanBeNamed() throws {
        try keep()
        let shown = try Program.run(
            try Program.product("codex-sandboxd"),
            ["evidence", "show", "--workspace", workspace, "--state-dir=\(scratch.path("state"))"],
            environment: [:],
            folder: "/"
        )
        #expect(shown.status == 0, "\(shown.error)")
    }

    @Test func workspaceThatIsGoneStillHasItsRecords() throws {
        try keep()
        try FileManager.default.removeItem(atPath: workspace)
        let shown = try Program.run(
            try Program.product("codex-sandboxd"),
            ["evidence", "show", "--workspace", workspace],
            environment: ["CODEX_SANDBOX_STATE_DIR": scratch.path("state")],
            folder: "/"
        )
        #expect(shown.status == 0, "\(shown.error)")
    }

    @Test func launchThatIsNotThereIsOne() throws {
        let shown = try run("show")
        #expect(shown.status == 1 && shown.output.isEmpty)
        #expect(shown.error.hasPrefix("codex-sandbox: no launch at all is recorded for "))
        try keep()
        #expect(try run("show", "ffff").status == 1)
    }

    @Test func idThatFitsSeveralIsOne() throws {
        try keep(id: 0x11)
        try keep(id: 0x12)
        let shown = try run("show", "1")
        #expect(shown.status == 1 && shown.output.isEmpty)
        #expect(shown.error.contains("give more digits"))
    }

    @Test func damagedLineIsToldAndTheRestShown() throws {
        try keep()
        let file = try FileHandle(forWritingTo: URL(filePath: location.records.description))
        try file.seekToEnd()
        try file.write(contentsOf: Data("\u{1B}[2J\n".utf8))
        let shown = try run("show")
        #expect(shown.status == 0 && shown.output.hasPrefix("launch "))
        #expect(shown.error.contains("damaged line: not JSON"))
    }

    // MARK: - verify

    @Test func verifyTellsTheHeadAndTakesItBack() throws {
        for id in 1...3 as ClosedRange<UInt8> { try keep(id: id) }
        let told = try run("verify")
        #expect(told.status == 0 && told.error.isEmpty && told.output.hasPrefix("verified\n"), "\(told)")
        let json = try run("verify", "--json")
        #expect(json.status == 0 && json.output.hasSuffix("}\n"))
        let value = try JSONReader.value(in: Array(json.output.utf8))
        #expect(value["verified"] == true && value["lines"] == 6 && value["problems"] == [])
        #expect(value["launches"]?["closed"] == 3 && value["head"]?["sequence"] == 6)
        let head = try #require(value["head"]?["checkpoint"]?.string)
        #expect(told.output.contains(head))
        try keep(id: 4)
        let since = try run("verify", "--complete-since", head)
        #expect(since.status == 0 && since.output.contains("\(head), found"))
        let file = URL(filePath: location.records.description)
        let lines = try Data(contentsOf: file).split(separator: 0x0A)
        try lines.prefix(5).reduce(Data()) { $0 + $1 + [0x0A] }.write(to: file)
        #expect(try run("verify").status == 0)
        let cut = try run("verify", "--json", "--complete-since=\(head)")
        #expect(cut.status == 1)
        let found = try JSONReader.value(in: Array(cut.output.utf8))
        #expect(found["verified"] == false && found["problemCount"] == 1 && found["completeSince"]?["found"] == false)
        #expect(found["problems"]?.array?.first?["line"] == nil)
    }

    @Test func verifyNamesTheChangedLine() throws {
        for id in 1...2 as ClosedRange<UInt8> { try keep(id: id) }
        let text = try String(contentsOfFile: location.records.description, encoding: .utf8)
        let changed = text.replacing("\"exitStatus\":0", with: "\"exitStatus\":1", maxReplacements: 1)
        #expect(changed != text)
        try Data(changed.utf8).write(to: URL(filePath: location.records.description))
        let offset = text.prefix { $0 != "\n" }.utf8.count + 1
        let told = try run("verify")
        #expect(told.status == 1 && told.output.hasPrefix("NOT verified: 1 problem\n"), "\(told)")
        #expect(told.output.contains("line 2 at byte \(offset): not the line that line 3 "))
        let value = try JSONReader.value(in: Array(try run("verify", "--json").output.utf8))
        let problem = value["problems"]?.array?.first
        #expect(problem?["line"] == 2 && problem?["offset"]?.integer == Int64(offset))
    }

    @Test func nothingToVerifyIsOne() throws {
        let told = try run("verify", "--json")
        #expect(told.status == 1 && told.output.isEmpty && told.error.contains("there is nothing to verify"))
        // Nor is a file into which a launch that was cancelled wrote nothing: the store is opened before there is a record.
        _ = try EvidenceStore(opening: location)
        let file = URL(filePath: location.records.description)
        #expect(try Data(contentsOf: file).isEmpty)
        for empty in [try run("verify"), try run("verify", "--json")] {
            #expect(empty.status == 1 && empty.output.isEmpty && empty.error == told.error, "\(empty)")
        }
        // Where something says that there was more, it was emptied.
        try keep()
        #expect(try run("verify").status == 0)
        let head = try #require(try ChainVerifier.verify(location, keys: .none)?.head)
        try Data().write(to: file)
        let asked = try run("verify", "--complete-since=\(head)")
        #expect(asked.status == 1 && asked.output.contains("there is nothing to verify"), "\(asked)")
        try Data("{}\n".utf8).write(to: URL(filePath: location.signatures.description))
        let signed = try run("verify")
        #expect(signed.status == 1 && signed.output.contains("there is nothing to verify"), "\(signed)")
    }

    /// Text of a damaged line drives no terminal.
    @Test func verifyEscapesWhatStandsInTheFile() throws {
        try keep()
        let file = try FileHandle(forWritingTo: URL(filePath: location.records.description))
        try file.seekToEnd()
        let type = "{\"_type\":\"\(LaunchStatement.statementType)\",\"predicateType\":\"\u{9B}2J\\u001b[2J\"}\n"
        try file.write(contentsOf: Data(type.utf8))
        for told in [try run("verify"), try run("verify", "--json")] {
            #expect(told.status == 1 && told.output.contains("does not know"))
            #expect(!told.output.contains("\u{1B}") && !told.output.contains("\u{9B}"))
        }
    }

    @Test(arguments: [
        [], ["shew"], ["show", "--what"], ["show", "a", "b"], ["show", "XYZ"], ["list", "--last"], ["list", "a"],
        ["list", "--limit", "0"], ["list", "--limit"], ["show", "--json=1"], ["show", "--workspace="],
        ["show", "\u{1B}"], ["verify", "a"], ["verify", "--limit", "1"], ["verify", "--complete-since"],
        ["verify", "--complete-since", "1:ab"], ["show", "--complete-since", "1:ab"], ["sign", "a"],
        ["export", "--json"],
        ["list", "--key", "k"], ["show", "--dsse"], ["list", "--all"],
    ]) func wrongCommandLineIsTwo(arguments: [String]) throws {
        let shown = try Program.run(try Program.product("codex-sandboxd"), ["evidence"] + arguments)
        #expect(shown.status == 2 && shown.output.isEmpty)
        #expect(shown.error.hasPrefix("codex-sandbox: ") && shown.error.contains("--help"))
        #expect(!shown.error.contains("\u{1B}"))
    }

    @Test func helpNamesEveryOption() throws {
        let help = try run("--help")
        #expect(help.status == 0)
        for option in ["--workspace", "--state-dir", "--limit", "--json", "--last", "--complete-since", "verify"] {
            #expect(help.output.contains(option))
        }
    }

    @Test func resultThatCannotBeWrittenIsOne() throws {
        try keep()
        let script = "\"$0\" evidence show >/dev/full"
        let shown = try Program.run(
            "/bin/sh",
            ["-c", script, try Program.product("codex-sandboxd")],
            environment: ["CODEX_SANDBOX_STATE_DIR": scratch.path("state")],
            folder: workspace
        )
        #expect(shown.status == 1)
        #expect(shown.error.contains("cannot write to standard output"))
    }
}
