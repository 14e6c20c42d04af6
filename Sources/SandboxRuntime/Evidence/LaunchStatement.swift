public import SandboxPlan

/// The records of a launch: in-toto Statements, version 1, one canonical line each, which the append links to the line before.
///
/// A launch that ran has two, `start` and `outcome`; one that was refused before its start was recorded has one, `refused`.
/// docs/evidence.md says what every field means, docs/schema/launch-record.schema.json what it may hold.
public enum LaunchStatement {
    /// in-toto attestation framework, spec v1.
    public static let statementType = "https://in-toto.io/Statement/v1"
    public static let startType = "urn:codex-sandbox:launch-start:v1"
    public static let outcomeType = "urn:codex-sandbox:launch-outcome:v1"
    public static let refusedType = "urn:codex-sandbox:launch-refused:v1"
    /// Goes up when a field changes its meaning or disappears; added fields leave it.
    public static let schemaVersion = 1

    /// The start: in place before the worker is released.
    static func start(
        _ context: PreparedContext,
        layers: [LayerReport],
        written: WrittenObservations = WrittenObservations(),
        childReport: [ReportedFact],
        at time: Timestamp
    ) -> UnlinkedRecord {
        precondition(context.isComplete, "a start record needs policy, plan and host")
        return statement(startType, subjects: { $0.subjects(context) }) { json in
            json.member("arguments") { $0.written(context.arguments) }
            let chain = json.chain()
            json.childReport(childReport)
            json.host(context)
            json.member("launchId", string: context.id.description)
            json.member("layers") { $0.layers(context.plannedLayers, layers, written) }
            json.nameOfJob(context)
            json.planAndPolicy(context)
            json.member("schemaVersion", integer: schemaVersion)
            json.streamsAndSupervisor(context)
            json.object("times") { json in
                json.member("recorded", time: time)
                json.member("started", time: context.startedAt)
            }
            json.member("toolVersion", text: context.toolVersion)
            return chain
        }
    }

    /// A launch that was refused before its start was recorded: start and end in one.
    public static func refused(
        _ context: PreparedContext,
        _ refusal: Refusal,
        proof: ExecveFact.Proof,
        exitStatus: Int32,
        layers: [LayerReport],
        childReport: [ReportedFact],
        at time: Timestamp
    ) -> UnlinkedRecord {
        statement(refusedType, subjects: { $0.subjects(context) }) { json in
            json.member("arguments") { $0.written(context.arguments) }
            let chain = json.chain()
            json.childReport(childReport)
            json.execve(.notReached(proof))
            json.member("exitStatus", integer: exitStatus)
            json.host(context)
            json.member("launchId", string: context.id.description)
            json.member("layers") { $0.layers(context.plannedLayers, layers) }
            json.nameOfJob(context)
            json.member("outcome") { $0.outcome(.refused(refusal)) }
            json.planAndPolicy(context)
            json.member("schemaVersion", integer: schemaVersion)
            json.streamsAndSupervisor(context)
            json.object("times") { json in
                json.member("ended", time: time)
                json.member("started", time: context.startedAt)
            }
            json.member("toolVersion", text: context.toolVersion)
            return chain
        }
    }

    /// The end of a launch whose start record has this digest.
    public static func outcome(
        _ id: LaunchID,
        _ end: LaunchEnd,
        toolVersion: String,
        startDigest: [UInt8]
    ) -> UnlinkedRecord {
        let subject = CanonicalJSON { json in
            json.elements { json in
                json.object { json in
                    json.member("digest", sha256: startDigest)
                    json.member("name", string: "launch-start/\(id)")
                }
            }
        }
        return statement(outcomeType, subjects: { $0.written(subject) }) { json in
            let chain = json.chain()
            if let denials = end.denials { json.member("denials") { $0.denials(denials) } }
            json.member("enforcement") { $0.enforcement(end.layers) }
            json.execve(end.execve)
            json.member("exitStatus", integer: end.exitStatus)
            json.member("launchId", string: id.description)
            json.limitsReached(end)
            json.member("missing") { $0.missing(end.layers) }
            json.member("outcome") { $0.outcome(end.outcome) }
            json.member("planted", bytes: end.planted)
            json.member("protectionEvents", array: end.protectionEvents) { json, event in
                json.object { json in
                    json.member("at", time: event.at)
                    json.member("what", text: event.what)
                }
            }
            if !end.removed.isEmpty { json.member("removed", bytes: end.removed) }
            json.member("schemaVersion", integer: schemaVersion)
            if let signal = end.signal { json.member("signal") { $0.signal(signal) } }
            json.member("times") { $0.times(end) }
            json.member("toolVersion", text: toolVersion)
            json.member("unseen", bytes: end.unseen)
            if let usage = end.usage { json.member("usage") { $0.usage(usage) } }
            return chain
        }
    }

    private static func statement(
        _ type: String,
        subjects: (inout JSONWriter) -> Void,
        _ predicate: (inout JSONWriter) -> Int
    ) -> UnlinkedRecord {
        UnlinkedRecord(capacity: 96 << 10) { json in
            var chain = 0
            json.object { json in
                json.member("_type", string: statementType)
                json.object("predicate") { chain = predicate(&$0) }
                json.member("predicateType", string: type)
                json.member("subject", subjects)
            }
            return chain
        }
    }
}

extension JSONWriter {
    /// The member that the append fills in; where its value begins.
    mutating func chain() -> Int {
        key("chain")
        let gap = length
        object { _ in }
        return gap
    }

    fileprivate mutating func childReport(_ facts: [ReportedFact]) {
        member("childReport", array: facts) { json, fact in
            json.object { json in
                json.member("name", text: fact.name)
                json.member("value", text: fact.value)
            }
        }
    }

    fileprivate mutating func host(_ context: PreparedContext) {
        if let host = context.host { member("host") { $0.written(host) } }
    }

    fileprivate mutating func nameOfJob(_ context: PreparedContext) {
        if let name = context.name { member("name", string: name.text) }
    }

    fileprivate mutating func planAndPolicy(_ context: PreparedContext) {
        if let plan = context.plan { member("plan") { $0.written(plan) } }
        if let policy = context.policy { member("policy") { $0.written(policy) } }
    }

    fileprivate mutating func streamsAndSupervisor(_ context: PreparedContext) {
        member("standardStreams") { $0.written(context.standardStreams) }
        member("supervisor") { $0.supervisor(context.supervisor) }
    }
}
