import Foundation
import Testing

/// Requests that anything may have written, and surroundings in which no result is possible.
@Suite struct RequestTests {
    private static let good = #"{"project_id":"p","job_id":"j","job_type":"initial_project","instruction":"Generate"}"#

    private func outcome(of request: String) throws -> Project.Outcome {
        let project = try Project()
        try project.write(request, to: ".codex/request.json")
        let outcome = try project.run("minimal")
        if outcome.result.status == "error" { #expect(try project.sources().isEmpty) }
        return outcome
    }

    private func expectRefusal(_ outcome: Project.Outcome, _ words: String) {
        #expect(outcome.result.status == "error")
        #expect(outcome.result.errors.count == 1)
        #expect(outcome.result.errors.first?.hasPrefix("invalid_request: ") == true)
        #expect(outcome.result.errors.first?.contains(words) == true, "\(outcome.result.errors)")
    }

    @Test func goodRequestIsTaken() throws {
        let outcome = try outcome(of: RequestTests.good)
        #expect(outcome.result.status == "success" && outcome.result.jobID == "j")
    }

    @Test func unknownMembersAreIgnored() throws {
        let more = RequestTests.good.dropLast() + #","x":[1,-0.5e+3,true,false,null,{"y":"\u00e9\ud83d\ude00"}]}"#
        #expect(try outcome(of: " \n\(more)\t").result.status == "success")
    }

    @Test(arguments: [
        "", " ", "{", "}", "[]]", "nul", "{\"a\":}", "{\"a\" 1}", "{,}", "[1,]", "01", "1.", "-", "1e", "+1", ".5",
        "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\u{1}\"", "'a'",
        "{\"a\":1,\"a\":2}", "NaN", "/**/{}", "{} {}", "\u{FEFF}{}",
    ])
    func whatIsNotJSONIsRefused(_ text: String) throws {
        let outcome = try outcome(of: text)
        expectRefusal(outcome, "is not JSON")
        #expect(outcome.result.jobID == nil)
    }

    @Test(arguments: [[0xFF], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] as [[UInt8]])
    func whatIsNotUTF8IsRefused(_ bytes: [UInt8]) throws {
        let project = try Project()
        try project.write(bytes, to: ".codex/request.json")
        expectRefusal(try project.run("minimal"), "not UTF-8")
    }

    @Test(arguments: ["[]", "null", "1", "\"text\"", "true"])
    func whatIsNoObjectIsRefused(_ text: String) throws { expectRefusal(try outcome(of: text), "no JSON object") }

    @Test func depthHasALimit() throws {
        func nested(_ depth: Int) -> String {
            RequestTests.good.dropLast() + ",\"x\":" + String(repeating: "[", count: depth)
                + String(repeating: "]", count: depth) + "}"
        }
        #expect(try outcome(of: nested(31)).result.status == "success")
        expectRefusal(try outcome(of: nested(32)), "levels deep")
        expectRefusal(try outcome(of: nested(30_000)), "levels deep")
    }

    @Test func sizeHasALimit() throws {
        let limit = 65_536
        let fits = RequestTests.good + String(repeating: " ", count: limit - RequestTests.good.utf8.count)
        #expect(try outcome(of: fits).result.status == "success")
        expectRefusal(try outcome(of: fits + " "), "larger than 65536 bytes")
    }

    @Test(arguments: ["project_id", "job_id", "job_type", "instruction"])
    func eachMemberMustBeThereAndText(_ key: String) throws {
        var members: [String: Any] = [
            "project_id": "p", "job_id": "j", "job_type": "edit", "instruction": "Append a comment",
        ]
        let known = key == "job_id" ? nil : "j"
        members[key] = nil
        let missing = try outcome(of: String(decoding: JSONSerialization.data(withJSONObject: members), as: UTF8.self))
        expectRefusal(missing, "\(key) is missing")
        #expect(missing.result.jobID == known)
        for wrong in [NSNull(), 1, true, ["a"], ["a": "b"]] as [Any] {
            members[key] = wrong
            let text = String(decoding: try JSONSerialization.data(withJSONObject: members), as: UTF8.self)
            let outcome = try outcome(of: text)
            expectRefusal(outcome, "\(key) must be a string")
            #expect(outcome.result.jobID == known)
        }
    }

    @Test(arguments: ["", "Edit", "initial", "edit ", "bogus"])
    func otherJobTypesAreRefused(_ type: String) throws {
        let request = String(decoding: try Project.request(type, "Generate"), as: UTF8.self)
        expectRefusal(try outcome(of: request), "job_type must be")
    }

    @Test(arguments: ["", "   ", "\t\n", "\u{2003}\u{85}"])
    func blankInstructionIsRefused(_ instruction: String) throws {
        let request = String(decoding: try Project.request("edit", instruction), as: UTF8.self)
        expectRefusal(try outcome(of: request), "instruction must not be empty")
    }

    @Test func identifiersHaveALimit() throws {
        for (count, taken) in [(0, false), (1, true), (128, true), (129, false)] {
            let job = String(repeating: "x", count: count)
            let request = String(decoding: try Project.request("edit", "Append a comment", job: job), as: UTF8.self)
            let outcome = try outcome(of: request)
            #expect((outcome.result.status == "success") == taken, "\(count)")
            #expect(outcome.result.jobID == (taken ? job : nil))
        }
    }

    @Test func anyIdentifierComesBackAsItIs() throws {
        let project = try Project()
        let job = "j\"\\\n\u{1F}\u{7F}é😀/"
        try project.write(Project.request("edit", "Append a comment", job: job), to: ".codex/request.json")
        #expect(try project.run("minimal").result.jobID == job)
    }

    @Test func missingRequestIsAnError() throws {
        let project = try Project()
        expectRefusal(try project.run("minimal"), "is missing")
        let bare = try Project()
        try FileManager.default.removeItem(atPath: bare.path(".codex"))
        expectRefusal(try bare.run("dummy"), "is missing")
    }

    // MARK: - No result

    @Test(arguments: [[], ["other"], ["minimal", "x"], ["--help"], [""]] as [[String]])
    func otherArgumentsHaveNoResult(_ arguments: [String]) throws {
        let project = try Project()
        try project.write(RequestTests.good, to: ".codex/request.json")
        let ending = try WorkerProcess.run(arguments, ["WORKSPACE_DIR": project.folder])
        #expect(ending.status == 2 && ending.output.isEmpty)
        #expect(ending.errors == "usage: codex-sandbox-worker dummy|minimal\n")
        #expect(try project.files().keys.sorted() == [".codex/request.json"])
    }

    @Test func missingWorkspaceHasNoResult() throws {
        let ending = try WorkerProcess.run(["minimal"], ["WORKSPACE_DIR": "/nowhere/at/all"])
        #expect(ending.status == 2 && ending.output.isEmpty)
        #expect(ending.errors.contains("/nowhere/at/all: No such file or directory"), "\(ending.errors)")
    }

    /// Without a word the folder is `/workspace`, which is made in a namespace of the test's own.
    @Test(arguments: [[:], ["WORKSPACE_DIR": ""]] as [[String: String]])
    func workspaceIsTheDefaultOne(_ environment: [String: String]) throws {
        let project = try Project()
        try project.write(RequestTests.good, to: ".codex/request.json")
        let worker = try WorkerProcess.path()
        let libraries = ["usr", "lib", "lib64", "opt"].flatMap { ["--ro-bind-try", "/\($0)", "/\($0)"] }
        let ending = try WorkerProcess.run(
            "/usr/bin/bwrap",
            ["--unshare-user", "--bind", project.folder, "/workspace", "--ro-bind", worker, "/worker"] + libraries
                + ["/worker", "minimal"],
            environment
        )
        #expect(ending.status == 0, "\(ending.errors)")
        #expect(try WorkerResult(project.bytes(".codex/result.json")).status == "success")
    }

    @Test func closedStreamsDoNotMatter() throws {
        let project = try Project()
        try project.write(RequestTests.good, to: ".codex/request.json")
        let line = "exec \"$0\" minimal <&- >&- 2>&-"
        let ending = try WorkerProcess.run(
            "/bin/sh",
            ["-c", line, try WorkerProcess.path()],
            ["WORKSPACE_DIR": project.folder]
        )
        #expect(ending.status == 0)
        #expect(try WorkerResult(project.bytes(".codex/result.json")).logs.contains("minimal worker used"))
        #expect(try project.text("app.py").hasPrefix("\"\"\"Print"))
    }

    @Test func readerThatLeavesDoesNotMatter() throws {
        let project = try Project()
        try project.write(RequestTests.good, to: ".codex/request.json")
        // The sleep lets the reader leave first.
        let line = "(sleep 1; \"$0\" minimal; echo $? >&2) | true"
        let ending = try WorkerProcess.run(
            "/bin/sh",
            ["-c", line, try WorkerProcess.path()],
            ["WORKSPACE_DIR": project.folder, "PATH": "/usr/bin:/bin"]
        )
        #expect(ending.errors == "0\n")
        #expect(try WorkerResult(project.bytes(".codex/result.json")).status == "success")
    }
}
