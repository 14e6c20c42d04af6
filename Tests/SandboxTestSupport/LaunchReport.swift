import Foundation

/// What `--result` says of a launch, as far as tests look at it.
public struct LaunchReport: Sendable {
    public var outcome: String
    public var exitStatus: Int
    /// Nil where nobody can say.
    public var execveReached: Bool?
    public var memoryPeak: Int?
    /// Layer to word: `enforced`, `watched`.
    public var enforcement: [String: String]
    /// Protected names that the job made; nil for one whose bytes are no text.
    public var planted: [String?]
    /// Of these what was taken away again.
    public var removed: [String]
    /// Limits that the job has met, by their keys.
    public var limitsReached: [String]
    /// The refusal's sentences, in one.
    public var refusal: String

    public init(file: String) throws {
        guard
            let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
                as? [String: Any],
            let outcome = object["outcome"] as? String, let status = object["exitStatus"] as? Int
        else { throw TestFailure("\(file) is not a result") }
        self.outcome = outcome
        exitStatus = status
        execveReached = object["execveReached"] as? Bool
        memoryPeak = (object["usage"] as? [String: Any])?["memoryPeakWatchedBytes"] as? Int
        enforcement = object["enforcement"] as? [String: String] ?? [:]
        planted = (object["planted"] as? [Any] ?? []).map { $0 as? String }
        removed = object["removed"] as? [String] ?? []
        limitsReached = object["limitsReached"] as? [String] ?? []
        let parts = object["refusal"] as? [String: Any] ?? [:]
        refusal = ["stage", "step", "subject", "layer", "message", "remedy"]
            .compactMap { parts[$0] as? String }.joined(separator: "; ")
    }
}

extension Scene {
    /// Where `--result` of this scene's launches goes.
    public var resultFile: String { folder + "/result.json" }

    /// Options that ask for it.
    public var resultOptions: [String] { ["--result", resultFile] }

    public func report() throws -> LaunchReport { try LaunchReport(file: resultFile) }

    /// The outcomes of the launches that left a record, in order: `exited`, `refused`; `open` for one without an end.
    public func recordedOutcomes() throws -> [String] {
        var outcomes: [(launch: String, outcome: String)] = []
        for file in try records() where file.hasSuffix(".jsonl") {
            for line in try text(of: file).split(separator: "\n") {
                guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                    throw TestFailure("\(file): a line that is no object")
                }
                outcomes.append((file, Scene.outcome(in: object) ?? "open"))
            }
        }
        return outcomes.map(\.outcome)
    }

    /// The word of the first `outcome` at any depth.
    private static func outcome(in value: Any) -> String? {
        if let object = value as? [String: Any] {
            if let outcome = object["outcome"] as? [String: Any], let word = outcome["word"] as? String { return word }
            if let word = object["outcome"] as? String { return word }
            return object.values.lazy.compactMap { outcome(in: $0) }.first
        }
        return (value as? [Any])?.lazy.compactMap { outcome(in: $0) }.first
    }
}
