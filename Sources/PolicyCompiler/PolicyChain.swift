import SandboxPlan
import SandboxPolicy

/// A policy with everything that it extends, one by the other.
struct PolicyChain {
    /// The named one first.
    private(set) var files: [PolicyFile]
    private(set) var documents: [PolicyDocument]

    /// Reads all of them.
    ///
    /// - Throws: `PolicyError.invalid` at the `extends` that leads nowhere, round in a circle, or too deep.
    init(
        _ named: PolicyInputs.Text,
        base: (String, PolicyFile) throws(BaseProblem) -> PolicyInputs.Text
    ) throws(PolicyError) {
        files = [named.file]
        var document = try PolicyDocument(named)
        documents = [document]
        while let extended = try document.base() {
            guard files.count <= PolicyRange.extendsDepth else {
                throw PolicyChain.problem(
                    document,
                    extended,
                    why: "a policy builds on at most \(PolicyRange.extendsDepth) others",
                    remedy: "write what they say into fewer files"
                )
            }
            let text: PolicyInputs.Text
            do throws(BaseProblem) {
                text = try base(extended.text, files[files.count - 1])
            } catch {
                throw PolicyChain.problem(document, extended, why: error.why, remedy: error.remedy)
            }
            if let index = files.firstIndex(where: { PolicyChain.isSame($0, text.file) }) {
                let circle = (files[index...] + [text.file]).map(\.description).joined(separator: " → ")
                throw PolicyChain.problem(
                    document,
                    extended,
                    why: "the policies extend each other in a circle: \(circle)",
                    remedy: "take one `extends` out of it"
                )
            }
            document = try PolicyDocument(text)
            files.append(text.file)
            documents.append(document)
        }
    }

    private static func isSame(_ file: PolicyFile, _ other: PolicyFile) -> Bool {
        if file.kind == .builtIn || other.kind == .builtIn { return file.kind == other.kind && file.name == other.name }
        return file.path == other.path
    }

    static func problem(
        _ document: PolicyDocument,
        _ extended: (text: String, position: SourcePosition),
        why: String,
        remedy: String
    ) -> PolicyError {
        .invalid([
            PolicyProblem(
                file: document.name,
                position: extended.position,
                key: "extends",
                what: "\"\(extended.text)\"",
                why: why,
                remedy: remedy
            )
        ])
    }
}
