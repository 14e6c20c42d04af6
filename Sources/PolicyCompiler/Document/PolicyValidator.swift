import SandboxPlan
import SandboxPolicy

/// Judges a document section by section.
struct PolicyValidator {
    let name: String
    let log: ProblemLog
    /// What the document is put over: some of its values make sense only together with those.
    let base: Policy
    /// What `~` means; empty when nobody knows.
    let home: OSString
    /// Whether it bounds what others say: there full access is a permission beside the other keys, which hold for sandboxes.
    var isBound = false

    /// What the document says; worth something only if nothing was reported.
    func values(_ document: SectionReader) -> Policy {
        var document = document
        var policy = PolicyDefaults.nothing(named: name)
        document.requireVersion()
        // `PolicyDocument.base` has read it.
        _ = document.member("extends")
        if let summary = summary(&document) { policy.summary = summary }

        let danger = danger(&document)
        if danger.fullAccess && !isBound {
            refuseOtherSections(document, beside: "danger.full_access", allowed: ["version", "description", "danger"])
            return fullAccess(policy)
        }
        // A bound permits each confinement that it names, and asks for none.
        policy.confinement = isBound && danger.confinement != .sandbox ? .none : danger.confinement
        workspace(&document, &policy)
        policy.filesystem = filesystem(&document)
        policy.network = network(&document, hostAllowed: danger.hostNetwork)
        policy.environment = environment(&document)
        policy.limits = limits(&document)
        policy.landlock = landlock(&document)
        policy.seccomp = seccomp(&document)
        policy.process = process(&document)
        policy.worker = worker(&document)
        toolchains(document, &policy)
        if codex(&document, &policy, hostAllowed: danger.hostNetwork) {
            if !isBound {
                refuseOtherSections(
                    document,
                    beside: "full access",
                    allowed: ["version", "description", "danger", "codex"]
                )
                return fullAccess(policy)
            }
            policy.confinement = .none
        }
        document.finish()
        return policy
    }

    /// No layer at all: what the other sections would say has nobody to act on it.
    private func fullAccess(_ policy: Policy) -> Policy {
        var policy = policy
        policy.confinement = .none
        policy.network = .host
        policy.environment = EnvironmentPolicy(inherit: .all, exclude: [], pass: [], set: [])
        policy.filesystem.system = []
        policy.filesystem.etc = []
        policy.filesystem.protect = []
        policy.filesystem.coverMissing = []
        return policy
    }

    private func refuseOtherSections(_ document: SectionReader, beside what: String, allowed: [String]) {
        for member in document.members where !allowed.contains(member.key) {
            log.report(
                at: member.keyPosition,
                key: member.key,
                what: "a section beside \(what)",
                why: "with full access nothing would act on it",
                remedy: "remove this section, or the full access"
            )
        }
    }

    private func summary(_ document: inout SectionReader) -> String? {
        guard let text = document.string("description") else { return nil }
        guard text.value.count <= 200, text.value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            log.report(
                at: text.position,
                key: text.key,
                what: "more than one line of 200 characters",
                why: "`policy list` shows it on one line",
                remedy: "write one short sentence; put the rest into comments"
            )
            return nil
        }
        return text.value
    }

    private func workspace(_ document: inout SectionReader, _ policy: inout Policy) {
        guard var section = document.section("workspace") else { return }
        let access = section.choice("access", [("read-write", WorkspaceAccess.readWrite), ("read-only", .readOnly)])
        if let access { policy.workspace = access.value }
        let git = section.choice("git", [GitPolicy.keep, .create, .none].map { (word: $0.word, value: $0) })
        if let git { policy.git = git.value }
        section.finish()
    }

    private func landlock(_ document: inout SectionReader) -> LandlockPolicy {
        var policy = base.landlock
        guard var section = document.section("landlock") else { return policy }
        let range = PolicyRange.landlockABI
        if let abi = section.integer("minimum_abi", in: UInt64(range.lowerBound)...UInt64(range.upperBound)) {
            policy.minimumABI = UInt32(abi)
        }
        let words: [(word: String, value: Requirement)] = [("required", .required), ("best-effort", .bestEffort)]
        if let requirement = section.choice("requirement", words) { policy.requirement = requirement.value }
        section.finish()
        return policy
    }

    private func seccomp(_ document: inout SectionReader) -> SeccompPolicy {
        guard var section = document.section("seccomp") else { return SeccompPolicy(without: []) }
        let groups = SyscallGroup.removableNames.map { (word: $0, value: $0) }
        var names: [Located<String>] = []
        for text in section.strings("without") ?? [] {
            if let name = section.word(text, among: groups) {
                names.append(Located(value: name, position: text.position, key: text.key))
            }
        }
        section.finish()
        return SeccompPolicy(without: log.distinct(names).sorted())
    }
}

extension SectionReader {
    /// `version = 1`: says which meaning the keys have, so it cannot be left to a default.
    mutating func requireVersion() {
        guard let member = member("version") else {
            log.report(
                at: SourcePosition(line: 1, column: 1),
                key: "version",
                what: "missing",
                why: "without it the meaning of the other keys is not fixed",
                remedy: "write version = 1 as the first line"
            )
            return
        }
        guard case .integer(1) = member.node.value else {
            var found = member.node.value.typeName
            if case .integer(let number) = member.node.value { found = "version \(number)" }
            log.report(
                at: member.node.position,
                key: keyPath("version"),
                what: found,
                why: "this program knows version 1 only",
                remedy: "write version = 1"
            )
            return
        }
    }
}
