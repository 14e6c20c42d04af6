import SandboxPlan
import SandboxPolicy

/// `[worker]`: what the workspace API runs.
extension PolicyValidator {
    func worker(_ document: inout SectionReader) -> WorkerPolicy {
        var policy = PolicyDefaults.nothing(named: name).worker
        guard var section = document.section("worker") else { return policy }
        if let command = command(&section) { policy.command = command }
        section.finish()
        return policy
    }

    /// The program and its arguments, in which a word may come twice; no words at all are no command.
    private func command(_ section: inout SectionReader) -> [OSString]? {
        guard let texts = section.strings("command") else { return nil }
        log.bound(texts, to: PolicyRange.listLength, key: section.keyPath("command"))
        for (index, text) in texts.enumerated() {
            let word = OSString(text.value)
            guard let why = index == 0 ? defect(ofProgram: word) : defect(ofArgument: word) else { continue }
            log.report(
                at: text.position,
                key: text.key,
                what: "\"\(text.value)\"",
                why: why,
                remedy: index == 0
                    ? "write the program's absolute path, as the job sees it; arguments are elements of their own"
                    : "change the argument"
            )
        }
        return texts.map { OSString($0.value) }
    }

    private func defect(ofProgram path: OSString) -> String? {
        if !path.isAbsolute { return "a program without an absolute path depends on where it is looked for" }
        if path.components.contains("..") { return "where .. leads depends on links that can change" }
        if path.components.isEmpty { return "it names a folder" }
        return defect(ofArgument: path)
    }

    private func defect(ofArgument word: OSString) -> String? {
        if word.bytes.contains(0) { return "an argument cannot hold NUL" }
        if word.bytes.count > PolicyRange.pathLength.upperBound { return "an argument has at most 4095 bytes here" }
        return nil
    }
}
