internal import SandboxPlan
internal import SandboxPolicy

/// Whether a policy lets a worker that answers by files write its answer, and read what it is asked.
///
/// Each job would come to its end with the empty file that it was given.
enum AnswerRefusal {
    private static let answer = ExchangeFolder.name.appending(ExchangeFolder.result)
    private static let request = ExchangeFolder.name.appending(ExchangeFolder.request)

    /// Why it could not, in the folder of each of these projects (absolute); nil where it could, and for other workers.
    static func why(_ policy: Policy, _ worker: WorkerProfile, projects: [OSString]) -> String? {
        guard worker.manner == .files, worker.problem == nil else { return nil }
        if let (cause, remedy) = keepsAnswer(policy) ?? isTooSmall(policy) ?? denies(answer, policy, projects) {
            return
                "under the policy \(policy.name) the worker \(worker.name) could not write its answer, \(answer): the policy \(cause); \(remedy)"
        }
        guard let (cause, remedy) = denies(request, policy, projects) else { return nil }
        return
            "under the policy \(policy.name) the worker \(worker.name) could not read what it is asked, \(request): the policy \(cause); \(remedy)"
    }

    private static func keepsAnswer(_ policy: Policy) -> (cause: String, remedy: String)? {
        let filesystem = policy.filesystem
        if policy.workspace == .readOnly {
            return ("makes the workspace read-only", "choose one that has it writable, as codex-worker")
        }
        // What is protected itself is no exception from what is around it.
        if filesystem.protect.contains(answer) {
            return ("has this very file in [filesystem] protect, where no exception counts", "take it out there")
        }
        guard filesystem.protect.contains(where: { answer.isWithin($0) }), !filesystem.except.contains(answer) else {
            return nil
        }
        let weaker = policy.confinement == .container ? " and [danger] container = true" : ""
        return (
            "keeps .codex from jobs, without an exception for this file",
            "choose codex-worker, or a policy that says extends = \"codex-worker\"\(weaker), or [filesystem] except = [\"\(answer)\"]"
        )
    }

    /// RLIMIT_FSIZE ends whoever writes more (SIGXFSZ, setrlimit(2)); `limits.workspace` is never smaller than an answer.
    private static func isTooSmall(_ policy: Policy) -> (cause: String, remedy: String)? {
        let answer = ByteCount(bytes: UInt64(WorkerResult.sizeLimit))
        guard policy.limits.fileSize < answer else { return nil }
        return (
            "lets it write files of \(policy.limits.fileSize) at most ([limits] file_size), and an answer may have \(answer)",
            "say file_size = \"1MiB\", or more"
        )
    }

    private static func denies(
        _ name: OSString,
        _ policy: Policy,
        _ projects: [OSString]
    ) -> (cause: String, remedy: String)? {
        // A pattern first: at a launch it has brought its paths into the other list, too.
        for text in policy.filesystem.denyGlobs
        where projects.allSatisfy({ isMeant(name, by: DenyPattern(text), in: $0) }) {
            return (
                "denies it by the pattern \(text) of [filesystem] deny_globs",
                "take that out there, or write one that does not match \(name)"
            )
        }
        for denied in policy.filesystem.deny where projects.allSatisfy({ $0.appending(name).isWithin(denied) }) {
            return ("denies \(denied) in [filesystem] deny", "take that out there")
        }
        return nil
    }

    /// Whether a pattern means a name in a project, or a folder on the way to it.
    private static func isMeant(_ name: OSString, by pattern: DenyPattern, in project: OSString) -> Bool {
        if pattern.isAbsolute { return pattern.match(onTheWayTo: project.appending(name)) != nil }
        // In the workspace itself, which such a pattern does not mean.
        var progress = pattern.start
        for part in name.components {
            progress = pattern.progress(progress, into: part)
            if pattern.isMatch(progress) { return true }
        }
        return false
    }
}
