/// `Tests/Programs/canary`: a process or IPC objects of the host, which tell their state when asked.
public final class ProcessCanary {
    private let process: KeptProcess
    private var asked = 0
    /// The state in the beginning.
    public private(set) var first = ""

    /// Starts it under the worker's id, so that only the sandbox stands between it and the job.
    public init(_ kind: String, in scene: Scene) throws {
        process = try scene.start(
            [scene.program("canary"), kind, scene.token],
            keeper: Caller.workerOptions + ["--deadline", "1500000"]
        )
        switch kind {
        case "victim": try process.line("victim ")
        default: try process.line("semaphore ")
        }
        first = try state()
        scene.canaries.append(self)
    }

    /// The word after `NAME ` in what it said of itself.
    public func fact(_ name: String, _ position: Int = 0) throws -> String {
        let words = try process.line(name + " ").split(separator: " ")
        guard position < words.count else { throw TestFailure("canary: \(name) has no word \(position)") }
        return String(words[position])
    }

    /// What it says of itself now; "dead" if it says nothing any more.
    public func state() throws -> String {
        asked += 1
        guard !process.hasEnded() else { return "dead" }
        process.write("\n".utf8)
        let wanted = asked
        // The control slows it down: on a busy machine its turn comes late.
        try process.wait("for the canary's answer", within: .seconds(90)) { process in
            process.outputText.split(separator: "\n").filter { $0.hasPrefix("word=") }.count >= wanted
                || process.hasEnded()
        }
        let answers = process.outputText.split(separator: "\n").filter { $0.hasPrefix("word=") }
        return answers.count >= wanted ? String(answers[wanted - 1]) : "dead"
    }

    /// Whether anything about it is not as it was.
    public func wasReached() throws -> Bool { try state() != first }
}

extension Scene {
    /// The last one that was made in this scene.
    public var processCanary: ProcessCanary? { canaries.lazy.compactMap { $0 as? ProcessCanary }.last }
}
