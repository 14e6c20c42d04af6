import Glibc
import SandboxCLI
import SandboxPlan
import SandboxRuntime

/// `evidence show`, `list`, `verify`, `sign` and `export`.
enum EvidenceCommand {
    static func run(_ arguments: [OSString]) -> Int32 {
        let options: EvidenceOptions
        do throws(UsageError) {
            guard let parsed = try EvidenceOptions.parse(arguments[...]) else {
                return Output.write(HelpText.text(.evidence))
            }
            options = parsed
        } catch {
            return Output.misunderstood(error)
        }
        do throws(EvidenceError) {
            switch options.action {
            case .show: return try show(options)
            case .list: return try list(options)
            case .verify: return try verify(options)
            case .sign: return try sign(options)
            case .export: return try export(options)
            }
        } catch {
            Output.say("\(error.message); \(error.remedy)")
            return 1
        }
    }

    // MARK: - Looking

    /// The one launch that is meant; nil when there is none, or more than one, which is said.
    private static func find(
        _ id: String?,
        _ location: EvidenceLocation
    ) throws(EvidenceError) -> RecordedLaunch? {
        let found = try EvidenceReader(location).find(id.map { .id(beginning: $0) } ?? .last)
        complain(found, location)
        guard let launch = found.launches.first else {
            let which = id.map { "with an id that begins with \($0)" } ?? "at all"
            Output.say(
                "no launch \(which) is recorded for \(location.name); "
                    + "see `codex-sandbox evidence list`, and --workspace and --state-dir"
            )
            return nil
        }
        guard found.launches.count == 1 else {
            Output.say("\(found.launches.count) launches have ids that begin so; give more digits:")
            for launch in found.launches { Output.say("  \(launch.id)") }
            return nil
        }
        return launch
    }

    private static func show(_ options: EvidenceOptions) throws(EvidenceError) -> Int32 {
        let location = try location(options)
        guard let launch = try find(options.launch, location) else { return 1 }
        // Here somebody waits for an answer anyway: the next launch of the same file finds it.
        let digest = WorkerExecutable(recordedIn: launch.opening)
            .flatMap { ExecutableDigests(stateFolder: location.stateFolder).remembered($0) }
        if options.json { return Output.write(launch.json.canonical.bytes + [UInt8(ascii: "\n")]) }
        return Output.write(LaunchText.details(launch, worker: digest))
    }

    private static func list(_ options: EvidenceOptions) throws(EvidenceError) -> Int32 {
        let location = try location(options)
        let found = try EvidenceReader(location).find(.newest(options.limit))
        complain(found, location)
        if options.json {
            let lines = found.launches.map { $0.json.canonical.bytes + [UInt8(ascii: "\n")] }
            return Output.write(Array(lines.joined()))
        }
        if found.launches.isEmpty { Output.say("no launch is recorded for \(location.name)") }
        let status = Output.write(LaunchText.list(found.launches))
        if found.thereIsMore { Output.say("there are older ones: --limit N shows more") }
        return status
    }

    private static func export(_ options: EvidenceOptions) throws(EvidenceError) -> Int32 {
        let location = try location(options)
        guard let launch = try find(options.launch, location) else { return 1 }
        let statements = [launch.opening.canonical] + (launch.outcome.map { [$0.canonical] } ?? [])
        let newline = [UInt8(ascii: "\n")]
        guard options.envelopes else {
            return Output.write(Array(statements.map { $0.bytes + newline }.joined()))
        }
        let signatures = try SignatureReader.signatures(of: statements, in: location)
        var envelopes: [UInt8] = []
        for (statement, signature) in zip(statements, signatures) {
            guard let signature else {
                Output.say("a record of launch \(launch.id) is not signed; see `codex-sandbox evidence sign`")
                return 1
            }
            envelopes += DSSE.envelope(statement.bytes, [signature]).bytes + newline
        }
        return Output.write(envelopes)
    }

    private static func complain(_ found: EvidenceReader.Found, _ location: EvidenceLocation) {
        for problem in LaunchText.problems(found.problems) { Output.say("\(location.records) \(problem)") }
    }

    // MARK: - The whole file

    private static func verify(_ options: EvidenceOptions) throws(EvidenceError) -> Int32 {
        let location = try location(options)
        let keys = try Keys(environment: CallerStrings.all(environ)).verification(options.keys)
        let since = options.completeSince.flatMap(ChainCheckpoint.init(parsing:))
        let report: ChainReport
        if let copy = options.copy {
            report = try ChainVerifier.verify(copy: copy, of: location, since: since, keys: keys)
        } else {
            guard let found = try ChainVerifier.verify(location, since: since, keys: keys), !found.hasNoRecords else {
                Output.say(
                    "there is nothing to verify: no record is kept for \(location.name); see --workspace and --state-dir"
                )
                return 1
            }
            report = found
        }
        let written =
            options.json
            ? Output.write(ChainText.json(report, of: location, file: options.copy).bytes + [UInt8(ascii: "\n")])
            : Output.write(ChainText.details(report, of: location, file: options.copy))
        return report.isVerified ? written : 1
    }

    private static func sign(_ options: EvidenceOptions) throws(EvidenceError) -> Int32 {
        let keys = Keys(environment: CallerStrings.all(environ))
        let locations =
            options.allWorkspaces
            ? try EvidenceCollector.workspaces(stateFolder: try Places.stateFolder(options.stateDirectory))
            : [try location(options)]
        var status: Int32 = 0
        for location in locations {
            do throws(EvidenceError) {
                let report = try RecordSigner.sign(location) { () throws(EvidenceError) in try keys.signing() }
                guard let report else {
                    if options.allWorkspaces { continue }
                    Output.say("there is nothing to sign: no record is kept for \(location.name)")
                    return 1
                }
                status = max(status, Output.write(SignText.line(report, of: location, json: options.json)))
            } catch {
                Output.say("\(error.message); \(error.remedy)")
                status = 1
            }
        }
        return status
    }

    private static func location(_ options: EvidenceOptions) throws(EvidenceError) -> EvidenceLocation {
        try Places.location(state: options.stateDirectory, workspace: options.workspace)
    }
}
