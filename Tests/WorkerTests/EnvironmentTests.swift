import Foundation
import Testing

/// What the worker takes from its environment, and what it tells of it.
@Suite struct EnvironmentTests {
    private static let names = ["OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT"]

    @Test(arguments: 0..<8)
    func presenceIsTold(_ present: Int) throws {
        var environment: [String: String] = [:]
        var expected: [String] = []
        for (bit, name) in EnvironmentTests.names.enumerated() {
            let isPresent = present & 1 << bit != 0
            if isPresent { environment[name] = "x" }
            expected.append("\(name)=\(isPresent ? "present" : "absent")")
        }
        for type in ["initial_project", "edit"] {
            let logs = try Project().job("minimal", type, "Generate", environment: environment).result.logs
            #expect(Array(logs.prefix(4)) == expected + ["job_type=\(type)"])
        }
    }

    @Test func emptyIsAbsent() throws {
        let logs = try Project().edit("x", environment: ["OPENAI_API_KEY": ""]).result.logs
        #expect(logs.first == "OPENAI_API_KEY=absent")
    }

    /// Every kind of job and of failure, then a look through all that was written.
    @Test func valuesAreNowhere() throws {
        let canary = "canary-\(UUID().uuidString)"
        var environment = ["SLEEP_SECONDS": canary, "HOME": "/\(canary)", canary: canary]
        for name in EnvironmentTests.names { environment[name] = "\(canary)-\(name)" }
        let project = try Project()
        var written: [[UInt8]] = []
        func look(_ outcome: Project.Outcome) throws {
            written += [Array(outcome.ending.output.utf8), Array(outcome.ending.errors.utf8)]
            written += try project.files().values
        }
        for kind in ["dummy", "minimal"] {
            try look(project.job(kind, "initial_project", "Generate", environment: environment))
            for step in Step.allCases {
                try look(project.job(kind, "edit", step.rawValue, environment: environment))
            }
            for failing in ["force_error", "long_run: x", "print ${OPENAI_API_KEY} %ENV% $OPENAI_ORG_ID"] {
                try look(project.job(kind, "edit", failing, environment: environment))
            }
            try project.write("{", to: ".codex/request.json")
            try look(project.run(kind, environment))
        }
        for arguments in [[], ["dummy"]] {
            let ending = try WorkerProcess.run(arguments, environment.merging(["WORKSPACE_DIR": "/nowhere"]) { $1 })
            #expect(ending.status == 2)
            written += [Array(ending.output.utf8), Array(ending.errors.utf8)]
        }
        #expect(written.count > 100)
        let needle = Data(canary.utf8)
        // The look finds what is there.
        #expect(Data("x\(canary)y".utf8).range(of: needle) != nil)
        for bytes in written {
            #expect(Data(bytes).range(of: needle) == nil, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    // MARK: - Long jobs

    @Test func longJobTakesItsTime() throws {
        let project = try Project()
        let clock = ContinuousClock()
        let start = clock.now
        let outcome = try project.job(
            "minimal",
            "initial_project",
            "long_run: generate and analyze a large codebase",
            environment: ["SLEEP_SECONDS": "2.25"]
        )
        let passed = clock.now - start
        #expect(passed >= .milliseconds(2250) && passed < .seconds(60), "\(passed)")
        #expect(outcome.result.status == "success")
        #expect(outcome.result.created.contains("app.py"))
        #expect(
            outcome.result.logs.filter { $0.hasPrefix("long_run: ") } == [
                "long_run: 0 of 2.2 s", "long_run: 1 of 2.2 s", "long_run: 2 of 2.2 s", "long_run: 2.2 of 2.2 s",
            ]
        )
    }

    @Test(arguments: ["0", "0.0", "0.001", "0000"])
    func shortTimesAreTaken(_ seconds: String) throws {
        let outcome = try Project().edit("long_run: x", environment: ["SLEEP_SECONDS": seconds])
        #expect(outcome.result.status == "success")
    }

    @Test func withoutAWordItIsASecond() throws {
        let outcome = try Project().edit("long_run: x")
        #expect(outcome.result.status == "success" && outcome.result.logs.contains("long_run: 1 of 1 s"))
    }

    @Test(arguments: [
        "-1", "3600.001", "3601", "99999", "1e3", "0x10", " 1", "1 ", "1.", ".5", "1.2345", "1.2.3", "nan", "١", "1,5",
    ])
    func otherTimesAreAnError(_ seconds: String) throws {
        let project = try Project()
        let outcome = try project.edit("long_run: x", environment: ["SLEEP_SECONDS": seconds])
        #expect(outcome.result.errors == ["invalid_setting: SLEEP_SECONDS must be a number of seconds from 0 to 3600"])
        #expect(try project.sources().isEmpty)
        // It matters to long jobs only.
        #expect(try project.edit("x", environment: ["SLEEP_SECONDS": seconds]).result.status == "success")
    }

    /// 3600 s are taken: the worker says so, and is ended long before.
    @Test func longestTimeIsTaken() throws {
        let project = try Project()
        try project.write(Project.request("edit", "long_run: x"), to: ".codex/request.json")
        // Until it has said so, however long it takes to come to that.
        let script = """
            "$1" minimal & i=0
            until grep -qs 'of 3600 s' /dev/stdout || [ $i -gt 600 ]; do i=$((i+1)); sleep 0.1; done
            kill $!; wait $!
            """
        let ending = try WorkerProcess.run(
            "/bin/sh",
            ["-c", script, "sh", try WorkerProcess.path()],
            ["WORKSPACE_DIR": project.folder, "SLEEP_SECONDS": "3600", "PATH": "/usr/bin:/bin"]
        )
        #expect(ending.status == 128 + SIGTERM)
        #expect(ending.output.hasSuffix("long_run: 0 of 3600 s\n"))
        #expect(!project.exists(".codex/result.json"))
    }
}
