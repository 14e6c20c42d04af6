/// What the job says while it runs: at once on standard output, and in the end as `logs` of the result.
struct JobLog {
    /// More would make the result larger than its reader takes.
    static let lineLimit = 200

    private(set) var lines: [String] = []
    private let output: StandardStreams

    init(output: StandardStreams) {
        self.output = output
    }

    mutating func add(_ line: String) {
        guard lines.count < JobLog.lineLimit else { return }
        lines.append(line)
        output.say(line)
    }
}
