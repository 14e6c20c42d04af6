import Foundation
import Fuzzing
import Glibc
import Testing
import Workspaces

@Suite struct WorkerResultTests {
    private static let good = """
        {"status":"success","summary":"done","created_files":["a"],"modified_files":[],"errors":[],"logs":["x","y"],
         "timestamp":"2026-01-01T00:00:00Z","job_id":"j","more":{"deep":[1,true,null]}}
        """

    private func reason(_ fixture: FilesFixture) -> ResultFault.Reason? {
        do throws(ResultFault) {
            _ = try WorkerResult.read(from: fixture.folder, job: "j")
            return nil
        } catch {
            #expect(!error.message.isEmpty && !error.message.contains(fixture.base))
            return error.reason
        }
    }

    private func reason(_ text: String) -> ResultFault.Reason? {
        do throws(ResultFault) {
            _ = try WorkerResult(json: Array(text.utf8), job: "j")
            return nil
        } catch { return error.reason }
    }

    @Test func aResultIsReadAsItIs() throws {
        let fixture = try FilesFixture()
        try fixture.put(WorkerResultTests.good, ".codex/result.json")
        let result = try WorkerResult.read(from: fixture.folder, job: "j")
        #expect(result.status == .success && result.summary == "done" && result.createdFiles == ["a"])
        #expect(result.modifiedFiles.isEmpty && result.errors.isEmpty && result.logs == ["x", "y"])
        #expect(result.timestamp == "2026-01-01T00:00:00Z")
        // What is kept reads as the same.
        #expect(try WorkerResult(json: Array(result.jsonText.utf8), job: "other") == result)
    }

    @Test(
        arguments: [
            ("", ResultFault.Reason.none), ("rm -r .codex", .none), ("ln -s ../../../secret .codex/result.json", .link),
            ("ln -s request.json .codex/result.json", .link),
            ("mv .codex d; ln -s d .codex; cp $G d/result.json", .link),
            ("mkfifo .codex/result.json", .notAFile), ("mkdir .codex/result.json", .notAFile),
            ("rm -r .codex; touch .codex", .notAFile), ("cp $G .codex/result.json; ln .codex/result.json x", .hardLink),
            ("truncate -s 1048577 .codex/result.json", .tooLarge), ("truncate -s 10G .codex/result.json", .tooLarge),
            ("truncate -s 1048576 .codex/result.json", .notJSON), ("touch .codex/result.json", .none),
            ("echo > .codex/result.json", .notJSON),
            ("printf '\\377' > .codex/result.json", .notJSON), ("echo '[]' > .codex/result.json", .schema),
        ]
    )
    func everyFaultHasItsReason(script: String, expected: ResultFault.Reason) throws {
        let fixture = try FilesFixture()
        try FilesFixture.write(Array(WorkerResultTests.good.utf8), fixture.base + "/good")
        // The control.
        #expect(FilesFixture.run("cp '\(fixture.base)/good' '\(fixture.path)/.codex/result.json'") == 0)
        #expect(reason(fixture) == nil)
        #expect(unlink(fixture.path + "/.codex/result.json") == 0)
        let start = ContinuousClock.now
        #expect(
            FilesFixture.run("cd '\(fixture.path)' && G='\(fixture.base)/good' && \(script.isEmpty ? "true" : script)")
                == 0
        )
        #expect(reason(fixture) == expected)
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    @Test func aClosedFileIsUnreadableToAnOrdinaryServer() throws {
        let fixture = try FilesFixture()
        try fixture.put(WorkerResultTests.good, ".codex/result.json")
        #expect(chmod(fixture.path + "/.codex/result.json", 0) == 0)
        #expect(reason(fixture) == (geteuid() == 0 ? nil : .unreadable))
    }

    private func with(_ member: String, _ value: String) -> String {
        let members = [
            "status": "\"error\"", "summary": "\"s\"", "created_files": "[]", "modified_files": "[]", "errors": "[]",
            "logs": "[]",
        ].merging([member: value]) { $1 }
        return "{" + members.filter { !$0.value.isEmpty }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
            + "}"
    }

    @Test func theSchemaIsStrict() {
        #expect(reason(with("status", "\"error\"")) == nil)
        for (member, value) in [
            ("status", ""), ("status", "\"completed\""), ("status", "\"Success\""), ("status", "true"), ("summary", ""),
            ("summary", "null"), ("summary", "1"), ("errors", ""), ("errors", "null"), ("errors", "\"x\""),
            ("logs", "[1]"),
            ("logs", "[null]"), ("logs", "[[]]"), ("created_files", "{}"), ("modified_files", ""), ("timestamp", "1"),
        ] {
            #expect(reason(with(member, value)) == .schema, "\(member) \(value)")
        }
        #expect(reason(with("job_id", "\"other\"")) == .otherJob)
        #expect(reason(with("job_id", "1")) == .otherJob)
        #expect(reason(with("job_id", "null")) == .otherJob)
        #expect(reason(with("timestamp", "null")) == nil)
        #expect(reason("{\"status\":\"error\",\"status\":\"success\"}") == .notJSON)
        #expect(reason(String(repeating: "[", count: 100_000)) == .notJSON)
    }

    @Test func boundsHoldAtTheirEdges() {
        func text(_ count: Int) -> String { "\"" + String(repeating: "x", count: count) + "\"" }
        #expect(reason(with("summary", text(WorkerResult.summaryLimit))) == nil)
        #expect(reason(with("summary", text(WorkerResult.summaryLimit + 1))) == .schema)
        #expect(reason(with("logs", "[\(text(WorkerResult.textLimit))]")) == nil)
        #expect(reason(with("logs", "[\(text(WorkerResult.textLimit + 1))]")) == .schema)
        func list(_ count: Int) -> String { "[" + Array(repeating: "\"\"", count: count).joined(separator: ",") + "]" }
        #expect(reason(with("errors", list(WorkerResult.countLimit))) == nil)
        #expect(reason(with("errors", list(WorkerResult.countLimit + 1))) == .schema)
        #expect(reason(with("timestamp", text(65))) == .schema)
    }

    @Test func noInputMakesTheReaderTrap() {
        var fuzzing = Fuzzing(
            [Array(WorkerResultTests.good.utf8), Array(with("errors", "[\"forced_error\"]").utf8)],
            words: ["\"status\":", "\"success\"", "null", "[", "{", "\\ud800", "job_id"]
        )
        let tally = fuzzing.run { input in
            do throws(ResultFault) {
                let result = try WorkerResult(json: input, job: "j")
                #expect(try WorkerResult(json: Array(result.jsonText.utf8), job: "j") == result)
                return true
            } catch {
                #expect([.notJSON, .schema, .otherJob].contains(error.reason))
                return false
            }
        }
        #expect(tally.taken > 0 && tally.refused > 20)
    }
}
