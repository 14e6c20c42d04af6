import Testing
import WorkspaceStore

@testable import Workspaces

@Suite struct CodexOutputTests {
    private func pieces(_ output: inout CodexOutput, _ text: String) -> [CodexOutput.Piece] {
        output.take(text.utf8) + output.finish()
    }

    @Test func eventsAndTheLastMessageAreFound() {
        var output = CodexOutput()
        let lines = """
            {"type":"turn.started"}
            Reading additional input
            {"type":"item.completed","item":{"type":"agent_message","text":"first"}}
            {"type":"item.completed","item":{"type":"command_execution","text":"no"}}
            {"type":"item.completed","item":{"type":"agent_message","text":"last"}}
            {"type":"turn.completed","usage":{"x":1.5}}
            """
        let found = pieces(&output, lines)
        #expect(found.count == 6 && found[1] == .text(Array("Reading additional input\n".utf8)))
        #expect(found[5] == .event(Array(#"{"type":"turn.completed","usage":{"x":1.5}}"#.utf8), log: []))
        #expect(output.end(0) == JobEnd(status: .completed, summary: "last", exitStatus: 0))
        #expect(output.end(3).reason == "exit" && output.end(3).status == .error)
    }

    /// What a person would have seen; an event that says nothing to one is among the events alone.
    @Test(arguments: [
        (#"{"type":"item.completed","item":{"type":"agent_message","text":"Done."}}"#, "Done.\n"),
        (
            #"{"type":"item.completed","item":{"type":"command_execution","command":"ls x","aggregated_output":"no x\n","exit_code":2}}"#,
            "$ ls x\nno x\n(exit status 2)\n"
        ),
        (
            #"{"type":"item.completed","item":{"type":"command_execution","command":"ls","aggregated_output":"a","exit_code":0}}"#,
            "$ ls\na\n"
        ),
        (
            #"{"type":"item.completed","item":{"type":"file_change","changes":[{"kind":"add","path":"/w/a"},{"kind":"update","path":"b"}]}}"#,
            "add: /w/a\nupdate: b\n"
        ),
        (#"{"type":"turn.failed","error":{"message":"no model"}}"#, "failed: no model\n"),
        (#"{"type":"item.started","item":{"type":"command_execution","command":"ls"}}"#, ""),
        (#"{"type":"item.completed","item":{"type":"a new kind","text":"x"}}"#, ""),
        (#"{"type":"item.completed","item":[1]}"#, ""), (#"{"type":"item.completed"}"#, ""),
    ])
    func aLogHasWhatAPersonWouldHaveSeen(event: String, log: String) {
        var output = CodexOutput()
        guard case .event(_, let found) = pieces(&output, event + "\n").first else {
            Issue.record("it is no event")
            return
        }
        #expect(String(decoding: found, as: UTF8.self) == log)
    }

    @Test func aLongOutputIsCutInTheLog() {
        var output = CodexOutput()
        let text = String(repeating: "x", count: 100_000)
        let event = #"{"type":"item.completed","item":{"type":"agent_message","text":"\#(text)"}}"# + "\n"
        guard case .event(let whole, let log) = pieces(&output, event).first else {
            Issue.record("it is no event")
            return
        }
        #expect(whole.count > 100_000 && log.count < 66_000)
        #expect(String(decoding: log, as: UTF8.self).hasSuffix("\n(34464 bytes more)\n"))
    }

    /// A character may have any number of combining marks, and lists of projects repeat every summary.
    @Test func aSummaryIsBoundedInBytes() {
        let marks = "a" + String(repeating: "\u{301}", count: 100_000)
        var output = CodexOutput()
        _ = pieces(&output, #"{"type":"item.completed","item":{"type":"agent_message","text":"\#(marks)"}}"# + "\n")
        #expect(output.message == marks && output.end(0).status == .completed)
        #expect((4000...4096).contains(output.end(0).summary.utf8.count))
        _ = pieces(&output, #"{"type":"turn.failed","error":{"message":"\#(marks)"}}"# + "\n")
        #expect(output.end(0).status == .error && (4000...4096).contains(output.end(0).summary.utf8.count))
    }

    @Test func aFailedTurnIsAnErrorWhateverTheStatus() {
        var output = CodexOutput()
        _ = pieces(&output, #"{"type":"turn.failed","error":{"message":"no model"}}"# + "\n")
        var end = JobEnd(status: .error, reason: "codex-failed", summary: "no model", exitStatus: 0)
        end.isWorkersWord = true
        #expect(output.end(0) == end)
    }

    /// What is no event passes as output; whatever comes, no line is kept beyond its bound.
    @Test(arguments: ["[1]", "\"x\"", "{", "{\"a\":1,}", "nul", "{\"type\":1}", "{}", "\u{0}", "{\"type\":\"error\""])
    func whatIsNoEventIsOutput(line: String) {
        var output = CodexOutput()
        #expect(pieces(&output, line + "\n") == [.text(Array((line + "\n").utf8))])
    }

    @Test func aLineWithoutEndIsPassedInPieces() {
        var output = CodexOutput()
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: CodexOutput.lineLimit * 2 + 5)
        var found = output.take(long)
        #expect(found.count == 2)
        found += output.take(Array("\n{\"type\":\"turn.started\"}\n".utf8))
        #expect(found.count == 4 && found[3] == .event(Array(#"{"type":"turn.started"}"#.utf8), log: []))
        let passed = found[..<3].reduce(0) { sum, piece in
            if case .text(let bytes) = piece { sum + bytes.count } else { sum }
        }
        #expect(passed == long.count + 1)
    }
}
