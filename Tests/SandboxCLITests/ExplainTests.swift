import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct ExplainTests {
    private func text(_ plan: LaunchPlan = SamplePlan.plan, style: Style = .plain) -> String {
        ExplainReport(plan: plan, origins: SamplePlan.origins, style: style).text
    }

    @Test func explainIsAsReviewed() throws {
        try expectGolden(text(), "explain.txt")
    }

    @Test func aCommandThatIsNotThereIsSaidToBeAbsent() {
        let finding = NotExecuted(
            errno: 2,
            command: "nosuch",
            path: nil,
            folders: ["/usr/bin"],
            isConfined: true,
            file: .absent
        )
        let report = ExplainReport(plan: SamplePlan.plan, origins: [:], style: .plain, finding: finding)
        #expect(report.text.contains("\n            nosuch was not found in the sandbox.\nstarts in "))
        #expect(!report.text.contains("execve:") && !text().contains("was not found"))
    }

    @Test func hostileNamesAreShownAndNotObeyed() {
        #expect(controlCharacters(in: text()).isEmpty)
        #expect(!text().contains("\u{202E}"))
        #expect(text().contains("/srv/a b\\x1b[2J\\n\\xe2\\x80\\xaex\\xff"))
    }

    @Test func onlyOurOwnValuesAreShown() {
        #expect(text().contains("/home/sandbox"))
        for name in ["API", "LANG", "TOKEN", "EDITOR"] { #expect(text().contains("\n  \(name) ")) }
        #expect(!text().contains("secret\n"))
        for word in ["flag-", "inherited-", "passed-", "policy-", "unknown-"] {
            #expect(!text().contains("\(word)secret"))
        }
    }

    @Test func everyStepHasALineWithItsNumber() {
        let lines = text().split(separator: "\n", omittingEmptySubsequences: false)
        for (index, step) in SamplePlan.steps.enumerated() {
            let number = index < 9 ? " \(index + 1)" : "\(index + 1)"
            #expect(lines.contains { $0.hasPrefix("  \(number)  \(StepWords(step).operation)") })
        }
    }

    @Test func coloursAreTheOnlyControls() {
        let coloured = text(style: Style(isColoured: true))
        #expect(!controlCharacters(in: coloured).isEmpty)
        var plain = coloured
        for code in ["1", "0", "31", "33"] { plain = plain.split(separator: "\u{1B}[\(code)m").joined() }
        #expect(plain == text())
    }

    @Test func aPlanWithoutSandboxSaysSoLoudly() {
        var plan = SamplePlan.plan
        plan.confinement = .none
        plan.namespaces = []
        plan.steps = []
        plan.layers = []
        plan.notes = []
        plan.placeholders = []
        let text = text(plan)
        #expect(text.contains("NONE: the command can do everything that you can"))
        #expect(text.contains("none of its own"))
        #expect(!text.contains("RLIMIT_NOFILE") && text.contains("wall clock"))
        #expect(!text.contains("LANDLOCK") && !text.contains("STEPS") && !text.contains("NOTES"))
    }

    @Test func rightsAreInWords() {
        let words = LandlockWords(handled: LandlockRight.filesystem(abi: 7))
        #expect(words.words(LandlockRight.readFile | LandlockRight.readDir) == "read")
        #expect(words.words(LandlockRight.readFile) == "read_file")
        #expect(words.words(LandlockRight.writeFile) == "write_file")
        #expect(words.words(LandlockRight.writeFile | LandlockRight.truncate) == "write")
        #expect(words.words(0) == "nothing")
        #expect(words.words(1 << 63) == "bit-63")
        #expect(LandlockWords.names(LandlockRight.filesystem(abi: 5)).count == 16)
        #expect(LandlockWords.scopes(3) == ["abstract-unix-socket", "signal"])
        #expect(LandlockWords.network(7) == ["bind_tcp", "connect_tcp", "bit-2"])
        // Below ABI 3 there is no truncate: write_file alone must not be called write.
        #expect(LandlockWords(handled: LandlockRight.filesystem(abi: 2)).words(LandlockRight.writeFile) == "write_file")
    }

    @Test func limitsHaveNamesAndUnits() {
        #expect(RLimitWords.name(7) == "RLIMIT_NOFILE")
        #expect(RLimitWords.name(16) == "RLIMIT 16")
        #expect(RLimitWords.value(RLimit(resource: 1, soft: 1 << 33, hard: 1 << 33)) == "8 GiB")
        #expect(RLimitWords.value(RLimit(resource: 0, soft: 5, hard: .max)) == "5 s, hard unlimited")
        #expect(RLimitWords.value(RLimit(resource: -1, soft: 5, hard: 5)) == "5")
    }
}

@Suite struct EnvironmentOriginTests {
    private let policy = EnvironmentPolicy(
        inherit: .core,
        exclude: [],
        pass: ["PASSED"],
        set: [EnvironmentEntry(name: "SET", value: "1")]
    )
    private var overrides: PolicyOverrides {
        var overrides = PolicyOverrides()
        overrides.passEnvironment = ["FLAG"]
        overrides.setEnvironment = [EnvironmentEntry(name: "SET", value: "2")]
        return overrides
    }

    @Test(
        arguments: [
            ("SET", "1", EnvironmentOrigin.policySet), ("SET", "2", .flagSet), ("SET", "3", .own),
            ("FLAG", "f", .flagPass),
            ("FLAG", "other", .own), ("PASSED", "p", .policyPass), ("LANG", "C", .inheritedCore), ("LANG", "x", .own),
            ("HOME", "/home/sandbox", .own),
        ] as [(OSString, OSString, EnvironmentOrigin)]
    )
    func nameAndValueTellTheOrigin(_ name: OSString, _ value: OSString, _ origin: EnvironmentOrigin) {
        let found = EnvironmentOrigin.of(
            EnvironmentEntry(name: name, value: value),
            policy: policy,
            overrides: overrides,
            caller: ["SET=9", "FLAG=f", "PASSED=p", "LANG=C", "HOME=/root"]
        )
        #expect(found == origin)
    }

    @Test func onlyOurOwnShowTheirValue() {
        for origin in [
            EnvironmentOrigin.flagSet, .flagPass, .policySet, .policyPass, .inheritedCore, .inheritedAll,
        ] {
            #expect(!origin.showsValue)
        }
        #expect(EnvironmentOrigin.own.showsValue)
    }
}
