import SandboxPlan
import Testing
import Workspaces

@testable import SandboxAPI

/// ORC-32, 35.
@Suite struct SettingsTests {
    private func problems(_ values: [String: String]) -> [SettingName] {
        do throws(SettingsError) {
            _ = try APISettings { values[$0] }
            return []
        } catch {
            return error.problems.map(\.name)
        }
    }

    @Test func defaultsAreTheOriginals() throws {
        let settings = try APISettings { _ in nil }
        #expect(settings.appName == "Codex Workspace Orchestrator")
        #expect(settings.apiPrefix == "/api/v1")
        #expect(settings.databaseURL == "sqlite:///./codex.db")
        #expect(settings.workspaceRoot == "./workspaces")
        #expect(settings.useDummyWorker)
        #expect(settings.workerImage == "codex-worker:latest")
        #expect(settings.allowOrigins == ["http://localhost:3000", "http://127.0.0.1:3000"])
        #expect(settings.allowMethods == ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
        #expect(settings.allowHeaders == ["Authorization", "Content-Type"])
        #expect(!settings.allowCredentials)
        // Those that the original has not.
        #expect(settings.listen == .tcp(host: "127.0.0.1", port: 8000))
        #expect(settings.token == nil && settings.allowedHosts.isEmpty)
        #expect(settings.maxJobs == nil && settings.logLevel == .info)
        #expect(settings.stopJobs == .end && settings.stopSeconds == 600)
        #expect(settings.retention.projectAge == nil && settings.retention.projectSize == nil)
        #expect(settings.retention.logAge == nil && settings.retention.logSize == nil)
        #expect(settings.retentionInterval == 3600)
        #expect(settings.evidenceDays == nil && settings.evidenceSize == nil)
    }

    /// An error is printed and logged: the password of an address is not.
    @Test(arguments: [
        ("postgresql://user:s3cretpw@h/x", "postgresql://…"), ("postgresql://user:s3cret@/#?pw@h/x", "postgresql://…"),
        ("postgresql://h/x#password=s3cret", "postgresql://…"), ("postgresql://h/x;password=s3cret", "postgresql://…"),
        ("host=h user=u password=s3cret", "…"), ("postgres+x-1.y://s3cret", "postgres+x-1.y://…"),
        ("sqlite:///x?password=s3cret", "sqlite:///x…"), ("sqlite:///x?key=a@s3cret", "sqlite:///x…"),
        ("sqlite:///x#s3cret", "sqlite:///x…"), ("sqlite:///x;s3cret", "sqlite:///x…"),
        ("sqlite://u:s3cret@h/x", "sqlite://…"), ("sqlite://", "sqlite://…"), ("sqlite:/s3cret", "…"),
        ("x?password=s3cret://y@h", "…"), ("?s3cret", "…"), ("x?", "…"), ("a:?//s3cret@h", "…"),
        ("user:s3cretpw@h/x", "…"), ("user:s3cret://pw@h/x", "…"), ("sqlite:///./codex.db", "sqlite:///./codex.db"),
        ("sqlite:////a@b/c d.db", "sqlite:////a@b/c d.db"), ("", ""), ("@", "…"), ("a@b://c", "…"), ("://@h", "…"),
    ])
    func addressIsShownWithoutItsSecrets(address: String, shown: String) throws {
        #expect(SettingProblem.withoutSecrets(address) == shown)
        #expect(!shown.contains("s3cret"))
        let problem = SettingProblem(name: .databaseURL, value: address, reason: "bad", allowed: "another")
        #expect(
            problem.shownValue == shown && problem.description == "DATABASE_URL = “\(shown)”: bad; allowed: another"
        )
        let other = SettingProblem(name: .appName, value: address, reason: "bad", allowed: "another")
        #expect(other.shownValue == address)
    }

    @Test func longAddressIsRefusedWithoutItsPassword() throws {
        let address = "postgresql://user:s3cretpw@h/" + String(repeating: "x", count: 5000)
        let error = #expect(throws: SettingsError.self) { _ = try APISettings { $0 == "DATABASE_URL" ? address : nil } }
        let text = try #require(error).description
        #expect(text.contains("postgresql://…") && !text.contains("s3cretpw") && !text.contains("user"), "\(text)")
    }

    @Test func theServicesSettings() throws {
        let values = ["STOP_JOBS": "finish", "STOP_TIME": "90s", "LOG_LEVEL": "warning", "LISTEN": "fd:api"]
        let settings = try APISettings { values[$0] }
        #expect(settings.stopJobs == .finish && settings.stopSeconds == 90 && settings.logLevel == .warning)
        #expect(settings.listen == .inherited(name: "api") && settings.listen.description == "fd:api")
        let usual = try APISettings { _ in nil }
        #expect(usual.stopJobs == .end && usual.stopSeconds == 600 && usual.logLevel == .info)
    }

    /// Nothing is removed unasked.
    @Test func retention() throws {
        let usual = try APISettings { _ in nil }
        #expect(usual.retention.isEmpty && usual.evidenceDays == nil && usual.evidenceSize == nil)
        let values = [
            "KEEP_PROJECTS": "30d", "KEEP_PROJECTS_SIZE": "20GiB", "KEEP_LOGS": "90m", "KEEP_LOGS_SIZE": "1",
            "KEEP_EVIDENCE": "365d",
            "KEEP_EVIDENCE_SIZE": "1GB", "KEEP_INTERVAL": "5m",
        ]
        let settings = try APISettings { values[$0] }
        #expect(settings.retention.projectAge == .hours(720) && settings.retention.projectSize == .gibibytes(20))
        #expect(settings.retention.logAge == .seconds(5400) && settings.retention.logSize?.bytes == 1)
        #expect(settings.evidenceDays == 365 && settings.evidenceSize?.bytes == 1_000_000_000)
        #expect(settings.retentionInterval == 300)
        for (name, value) in [
            ("KEEP_PROJECTS", "0"), ("KEEP_PROJECTS", "1ms"), ("KEEP_PROJECTS", ""), ("KEEP_LOGS", "-1d"),
            ("KEEP_EVIDENCE", "12h"), ("KEEP_EVIDENCE", "1"), ("KEEP_LOGS_SIZE", "0"), ("KEEP_LOGS_SIZE", "much"),
            ("KEEP_INTERVAL", "500ms"),
        ] {
            #expect(problems([name: value]).map(\.rawValue) == [name])
        }
    }

    @Test(arguments: [
        ("a , b,,c ", ["a", "b", "c"]), ("", []), ("  ", []), (",", []), ("Authorization", ["Authorization"]),
    ])
    func listsAreTrimmed(text: String, items: [String]) throws {
        #expect(try APISettings { $0 == "ALLOW_HEADERS" ? text : nil }.allowHeaders == items)
    }

    @Test(arguments: ["true", "True", "1", "yes", "ON", "t", "Y"]) func wordsAreTrue(word: String) throws {
        #expect(try APISettings { $0 == "ALLOW_CREDENTIALS" ? word : nil }.allowCredentials)
    }

    @Test(arguments: ["maybe", "", "2", " true", "truely"]) func otherWordsAreRefused(word: String) {
        #expect(problems(["USE_DUMMY_WORKER": word]) == [.useDummyWorker])
    }

    @Test(arguments: [
        ("API_V1_STR", "api"), ("API_V1_STR", "/"), ("API_V1_STR", ""), ("API_V1_STR", "/api/"),
        ("API_V1_STR", "/a/../b"),
        ("API_V1_STR", "/a b"), ("API_V1_STR", "/{x}"), ("API_V1_STR", "/docs"), ("ALLOW_ORIGINS", "good.test"),
        ("ALLOW_ORIGINS", "http://good.test/"), ("ALLOW_ORIGINS", "http://"), ("ALLOW_METHODS", "GET POST"),
        ("ALLOW_HEADERS", "a\nb"), ("ALLOWED_HOSTS", "a/b"), ("ALLOWED_HOSTS", "http://a"), ("MAX_JOBS", "0"),
        ("MAX_JOBS", "1025"), ("MAX_JOBS", "x"), ("MAX_JOBS", ""), ("API_TOKEN", ""), ("API_TOKEN", "short"),
        ("API_TOKEN", "with a blank in it....."), ("LISTEN", "8000"), ("LISTEN", "127.0.0.1"),
        ("LISTEN", "127.0.0.1:65536"),
        ("LISTEN", "127.0.0.1:08"), ("LISTEN", "::1:80"), ("LISTEN", "[1.2.3.4]:80"), ("LISTEN", "box:80"),
        ("LISTEN", "unix:"), ("LISTEN", "fd:"), ("LISTEN", "fd:3"), ("LISTEN", "fd:a b"), ("STOP_JOBS", "kill"),
        ("STOP_JOBS", ""), ("STOP_TIME", "0"), ("STOP_TIME", "25h"), ("STOP_TIME", "soon"), ("LOG_LEVEL", "all"),
        ("DATABASE_URL", ""), ("WORKSPACE_ROOT", "a\u{0}b"), ("APP_NAME", ""), ("CODEX_WORKER_IMAGE", "a\u{1B}[31m"),
    ])
    func badValuesAreNamed(name: String, value: String) throws {
        let setting = try #require(SettingName(rawValue: name))
        #expect(problems([name: value]) == [setting])
    }

    @Test func edgesAreTaken() throws {
        let longest = String(repeating: "x", count: 107 - 0)
        for (name, value) in [
            ("MAX_JOBS", "1"), ("MAX_JOBS", "1024"), ("API_TOKEN", String(repeating: "a", count: 16)),
            ("API_TOKEN", String(repeating: "a", count: 512)), ("LISTEN", "unix:\(longest)"), ("LISTEN", "[::1]:65535"),
            ("LISTEN", "fd"), ("LISTEN", "localhost:0"), ("ALLOWED_HOSTS", "a.example,[::1],10.0.0.1:80"),
            ("API_V1_STR", "/x"),
        ] {
            #expect(problems([name: value]) == [], "\(name)=\(value)")
        }
        #expect(problems(["LISTEN": "unix:\(longest)x"]) == [.listen])
        #expect(problems(["API_TOKEN": String(repeating: "a", count: 15)]) == [.token])
        #expect(problems(["API_TOKEN": String(repeating: "a", count: 513)]) == [.token])
    }

    @Test func allProblemsComeAtOnceAndNoSecret() {
        let values = ["USE_DUMMY_WORKER": "si", "MAX_JOBS": "-1", "API_TOKEN": "hunter2", "LISTEN": "0.0.0.0:1"]
        do throws(SettingsError) {
            _ = try APISettings { values[$0] }
            Issue.record("taken")
        } catch {
            #expect(error.problems.map(\.name) == [.useDummyWorker, .token, .maxJobs])
            #expect(error.description.contains("USE_DUMMY_WORKER = “si”: neither true nor false; allowed: true, false"))
            #expect(!error.description.contains("hunter2"))
        }
    }

    @Test func otherHostsNeedAToken() {
        for listen in ["0.0.0.0:8000", "[::]:8000", "10.0.0.1:8000"] {
            #expect(problems(["LISTEN": listen]) == [.listen])
            #expect(problems(["LISTEN": listen, "API_TOKEN": "0123456789abcdef"]) == [])
        }
        for listen in ["127.0.0.1:1", "127.8.8.8:1", "localhost:1", "[::1]:1", "unix:/run/x"] {
            #expect(problems(["LISTEN": listen]) == [])
        }
    }

    @Test func flagBeatsEnvironmentBeatsFile() {
        let sources = SettingSources(
            flags: { ["A": "flag"][$0] },
            environment: { ["A": "env", "B": "env", "D": ""][$0] },
            dotEnv: { ["A": "file", "B": "file", "C": "file", "D": "file"][$0] }
        )
        #expect(["A", "B", "C", "D", "E"].map { sources.value($0) } == ["flag", "env", "file", "", nil])
    }

    // MARK: - .env

    @Test func dotEnvIsReadAsPythonReadsIt() throws {
        let text = """
            # a comment
            A=1
              export B = two words  # comment
            C="a\\nb\\t\\"q\\" # no comment"  # comment
            D='single \\n ${A} # x'\r
            E=
            F=a#b
            G="over
            two lines"
            H=${A}
            A=last
            I=  "quoted" \t
            J='it\\'s'
            """
        let file = try DotEnvFile(Array(text.utf8))
        #expect(
            file.values == [
                "A": "last", "B": "two words", "C": "a\nb\t\"q\" # no comment", "D": "single \\n ${A} # x", "E": "",
                "F": "a#b", "G": "over\ntwo lines", "H": "${A}", "I": "quoted", "J": "it's",
            ]
        )
        #expect(try DotEnvFile([]).values == [:])
        #expect(try DotEnvFile(Array("\u{FEFF}A=1".utf8)).values == ["A": "1"])
    }

    @Test(arguments: [
        ("A=1\nB", 2, DotEnvError.Reason.noEqualsSign), ("\n\n1A=1", 3, .noName), ("A='x\ny", 1, .unclosedQuote),
        ("A='x' y", 1, .afterTheQuote), ("=1", 1, .noName), ("A-B=1", 1, .noName),
        ("A=\"x\ny\"\nB=\u{1}", 3, .controlCharacter),
        ("export", 1, .noEqualsSign), ("A B=1", 1, .noName),
    ])
    func dotEnvFaultsHaveTheirLine(text: String, line: Int, reason: DotEnvError.Reason) {
        let error = #expect(throws: DotEnvError(line: line, reason: reason)) { try DotEnvFile(Array(text.utf8)) }
        #expect(error?.text(of: "x.live").hasPrefix("x.live, line \(line): ") == true)
    }

    @Test func dotEnvIsBounded() throws {
        let names = (0..<DotEnvFile.entryLimit).map { "A\($0)=\n" }.joined()
        #expect(try DotEnvFile(Array(names.utf8)).values.count == DotEnvFile.entryLimit)
        #expect(throws: DotEnvError.self) { try DotEnvFile(Array((names + "B=1").utf8)) }
        let full = [UInt8](repeating: UInt8(ascii: "#"), count: DotEnvFile.sizeLimit)
        #expect(try DotEnvFile(full).values == [:])
        #expect(throws: DotEnvError(line: 0, reason: .tooLarge(limit: DotEnvFile.sizeLimit))) {
            try DotEnvFile(full + full)
        }
        #expect(throws: DotEnvError(line: 0, reason: .notUTF8)) { try DotEnvFile([0x41, 0x3D, 0xFF]) }
    }
}
