import Glibc
import SandboxPlan
import SandboxRuntime

/// `evidence show`, `evidence list` and `evidence verify`.
enum EvidenceCommand {
    static let usage = """
        Usage: codex-sandbox evidence show [ID|--last] [OPTIONS]
               codex-sandbox evidence list [OPTIONS]
               codex-sandbox evidence verify [OPTIONS]

        Shows the records of launches in a workspace: what was asked, which layers were installed, by which
        observation each is known to be in force, and how the launch ended. docs/evidence.md explains every field.

        ID is the beginning of a launch's id, as `evidence list` shows it; without one, the last launch is shown.

        verify recomputes the chain of the records: a line that was changed, removed, doubled or moved is named.
        Of the end it cannot know: keep the head that it prints elsewhere, and give it back with --complete-since.

        Options:
          --workspace DIR   The workspace (default: the current folder)
          --state-dir DIR   The state folder (default: $XDG_STATE_HOME/codex-sandbox)
          --limit N         list: at most so many launches (default: 50)
          --complete-since SEQUENCE:DIGEST
                            verify: a head printed earlier, which must still be in the chain
          --json            JSON instead of text: show and verify one object, list one object a line
          --help            This text

        Examples:
          codex-sandbox evidence show
          codex-sandbox evidence list --workspace ~/project --limit 5
          codex-sandbox evidence show 0198c0f2 --json | python3 -m json.tool
          codex-sandbox evidence verify
          codex-sandbox evidence verify --json --workspace ~/project

        Exit status: 0; 1 when there is no such launch, the records cannot be read, or verify finds something that
        does not hold, or nothing to verify; 2 for a wrong command line.
        """

    static func run(_ arguments: [OSString]) -> Int32 {
        let options: EvidenceOptions
        do throws(EvidenceOptions.Misunderstood) {
            options = try EvidenceOptions(parsing: arguments)
        } catch {
            return Output.misunderstood(error.what, "codex-sandbox evidence --help")
        }
        do throws(EvidenceError) {
            switch options.action {
            case .help: return Output.write(usage + "\n")
            case .show(let id): return try show(id, options)
            case .list: return try list(options)
            case .verify: return try verify(options)
            }
        } catch {
            Output.say("\(error.message); \(error.remedy)")
            return 1
        }
    }

    private static func show(_ id: String?, _ options: EvidenceOptions) throws(EvidenceError) -> Int32 {
        let location = try location(options)
        let found = try EvidenceReader(location).find(id.map { .id(beginning: $0) } ?? .last)
        complain(found, location)
        guard let launch = found.launches.first else {
            let which = id.map { "with an id that begins with \($0)" } ?? "at all"
            Output.say(
                "no launch \(which) is recorded for \(location.workspace); "
                    + "see `codex-sandbox evidence list`, and --workspace and --state-dir"
            )
            return 1
        }
        guard found.launches.count == 1 else {
            Output.say("\(found.launches.count) launches have ids that begin so; give more digits:")
            for launch in found.launches { Output.say("  \(launch.id)") }
            return 1
        }
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
        if found.launches.isEmpty { Output.say("no launch is recorded for \(location.workspace)") }
        let status = Output.write(LaunchText.list(found.launches))
        if found.thereIsMore { Output.say("there are older ones: --limit N shows more") }
        return status
    }

    private static func verify(_ options: EvidenceOptions) throws(EvidenceError) -> Int32 {
        let location = try location(options)
        guard let report = try ChainVerifier.verify(location, since: options.since) else {
            Output.say(
                "there is nothing to verify: no record is kept for \(location.workspace); see --workspace and --state-dir"
            )
            return 1
        }
        let written =
            options.json
            ? Output.write(ChainText.json(report, of: location).bytes + [UInt8(ascii: "\n")])
            : Output.write(ChainText.details(report, of: location))
        return report.isVerified ? written : 1
    }

    private static func complain(_ found: EvidenceReader.Found, _ location: EvidenceLocation) {
        for problem in LaunchText.problems(found.problems) { Output.say("\(location.records) \(problem)") }
    }

    private static func location(_ options: EvidenceOptions) throws(EvidenceError) -> EvidenceLocation {
        let state = try StateFolder.path(
            flag: options.stateFolder,
            environment: CallerStrings.all(environ)
        )
        return EvidenceLocation(stateFolder: state, workspace: try workspace(options.workspace ?? "."))
    }

    /// The path as the launch recorded it: without links; of a folder that is gone, as it was given.
    private static func workspace(_ given: OSString) throws(EvidenceError) -> OSString {
        let resolved = cString(given) { realpath($0, nil) }
        let code = errno
        if let resolved {
            defer { free(resolved) }
            return OSString(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
        }
        if code == ENOENT, let path = given.normalised { return path }
        throw EvidenceError(
            action: "find the workspace",
            subject: given,
            call: "realpath",
            errno: code,
            remedy: "give the folder's absolute path with --workspace DIR"
        )
    }

    /// Lends the bytes with the NUL that the C library wants.
    private static func cString<Result>(_ text: OSString, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (text.bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
            // The buffer holds at least the NUL, so it has an address.
            guard let start = buffer.baseAddress else { preconditionFailure("an empty buffer with a NUL in it") }
            return body(start)
        }
    }
}
