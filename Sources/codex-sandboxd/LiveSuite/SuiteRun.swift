import Glibc
import SandboxCLI
import SandboxPlan

/// One run of a set of scenarios: its folders, and what scenarios leave for later ones.
final class SuiteRun {
    let settings: LiveSuiteSettings
    let api: SuiteAPI
    /// `OUTROOT/TIME/live` or `…/mocked`.
    private let folder: SuiteFolder
    private let summary: SuiteFile

    /// The project of the first scenario, which the following ones look at and edit.
    var project = ""
    /// What the first job left: copies of it belong to later scenarios too.
    var first: FinishedJob?
    /// Paths that the last look at the files showed.
    var listed: [String] = []
    /// Every job whose records are checked at the end, with the scenario that asked for it.
    var jobs: [(scenario: String, job: FinishedJob)] = []

    /// Projects of a server elsewhere whose records could not be looked at here.
    var unverified = 0

    /// What `evidence verify` said of workspaces that are gone by the end.
    var verified: [UInt8] = []

    struct Scenario: Sendable {
        let id: String
        let run: @Sendable (SuiteRun, SuiteFolder) throws(SuiteError) -> Void
    }

    init(_ settings: LiveSuiteSettings) throws(SuiteError) {
        self.settings = settings
        let client = SuiteClient(address: settings.address, token: settings.token)
        api = SuiteAPI(client: client, timeout: settings.timeout)
        let root = try SuiteFolder.opened(settings.out, settings.secrets)
        folder = try SuiteRun.folder(in: root, settings.mocked ? "mocked" : "live")
        summary = SuiteFile(folder, "summary.txt")
    }

    /// A second that no other run of this set has.
    private static func folder(in root: SuiteFolder, _ set: String) throws(SuiteError) -> SuiteFolder {
        for _ in 0..<10 {
            if let folder = try root.folder(try timestamp()).new(set) { return folder }
            try SuiteWait.pause(milliseconds: 1000)
        }
        throw SuiteError("\(root.path) has a folder for each of the last seconds; see --out")
    }

    /// UTC: `2025-11-14T17:14:05Z`.
    private static func timestamp() throws(SuiteError) -> String {
        var now = time(nil)
        var parts = tm()
        guard gmtime_r(&now, &parts) != nil else {
            throw SuiteError("the time cannot be told: \(ErrnoName.described(errno))")
        }
        func digits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday].map(digits).joined(separator: "-")
        return date + "T" + [parts.tm_hour, parts.tm_min, parts.tm_sec].map(digits).joined(separator: ":") + "Z"
    }

    /// The exit status: 0 when all passed.
    func run() throws(SuiteError) -> Int32 {
        Output.say(
            "\(settings.mocked ? "smoke set" : "live set") against \(settings.address), results in \(folder.path)"
        )
        let scenarios = settings.mocked ? MockedScenarios.all : LiveScenarios.all
        for scenario in scenarios + [FinalCheck.scenario] {
            do throws(SuiteError) {
                try SuiteWait.checkSignals()
                // The last one is about all, and writes beside the summary.
                try scenario.run(self, scenario.id == FinalCheck.scenario.id ? folder : try folder.folder(scenario.id))
            } catch {
                let reason = SuiteText.line(settings.secrets.shown(error.text))
                _ = Output.write("[gate] FAIL \(scenario.id): \(reason)\n")
                try summary.append(Array("\(scenario.id): FAIL\n".utf8))
                return 1
            }
            let word = unverified == 0 ? "PASS" : "NOT VERIFIED"
            let why = unverified == 0 ? "" : ": the records of \(unverified) projects are on another machine"
            guard Output.write("[gate] \(word) \(scenario.id)\(why)\n") == 0 else { return 1 }
            try summary.append(Array("\(scenario.id): \(word)\n".utf8))
        }
        return 0
    }
}
