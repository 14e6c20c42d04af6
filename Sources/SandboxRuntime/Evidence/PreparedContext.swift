internal import SandboxPlan

/// The part of a record that is known early, written already.
///
/// Plan, policy and host facts are most of a record's bytes. Written while the place is being set up, they cost the launch
/// no time at the gate.
public struct PreparedContext: Sendable {
    let id: LaunchID
    let toolVersion: String
    let startedAt: Timestamp
    let supervisor: SupervisorFacts
    let plannedLayers: [PlannedLayer]
    let name: JobName?
    let arguments: CanonicalJSON
    /// Of terminals it is known when pid 1 has opened them.
    private(set) var standardStreams: CanonicalJSON
    /// Its repository can be looked at later than the rest.
    var workspace: RecordedWorkspace
    /// Known later than the rest: what the worker will run is looked up in the finished place.
    public var worker: WorkerExecutable?
    let host: CanonicalJSON?
    let plan: CanonicalJSON?
    let policy: CanonicalJSON?

    public init(_ context: LaunchContext) {
        id = context.id
        toolVersion = context.toolVersion
        startedAt = context.startedAt
        supervisor = context.supervisor
        name = context.name
        plannedLayers = context.plan?.layers ?? []
        arguments = CanonicalJSON { json in json.array(context.arguments) { $0.bytes($1) } }
        standardStreams = CanonicalJSON { json in
            json.array(context.standardStreams) { json, stream in json.object { $0.stream(stream) } }
        }
        workspace = context.workspace
        worker = context.worker
        host = context.host.map { host in CanonicalJSON(capacity: 16 << 10) { $0.host(host) } }
        plan = context.plan?.json(.digest)
        policy = context.policy.map { policy in CanonicalJSON(capacity: 4 << 10) { $0.policy(policy) } }
    }

    mutating func set(standardStreams: [StandardStream]) {
        self.standardStreams = CanonicalJSON { json in
            json.array(standardStreams) { json, stream in json.object { $0.stream(stream) } }
        }
    }

    /// Whether a start can be recorded.
    var isComplete: Bool { policy != nil && plan != nil && host != nil }
}

extension JSONWriter {
    /// ResourceDescriptors (in-toto attestation framework, v1).
    mutating func subjects(_ context: PreparedContext) {
        elements { json in
            if let worker = context.worker { json.object { $0.worker(worker) } }
            json.object { $0.workspace(context.workspace) }
        }
    }

    private mutating func worker(_ worker: WorkerExecutable) {
        object("annotations") { json in
            json.member("changedNanoseconds", string: String(worker.changed))
            json.member("device", identifier: worker.device)
            json.member("inode", identifier: worker.inode)
            json.member("modifiedNanoseconds", string: String(worker.modified))
            json.member("path", bytes: worker.path)
            json.member("role", string: "worker")
            json.member("sizeBytes", quantity: worker.size)
        }
        object("digest") { json in
            json.member("fileIdentity", hexadecimal: worker.identityDigest)
            if let sha256 = worker.sha256 { json.member("sha256", hexadecimal: sha256) }
        }
        member("name", text: worker.path.description)
    }

    /// Which folder it is, and where its repository stood.
    private mutating func workspace(_ workspace: RecordedWorkspace) {
        object("annotations") { json in
            if let identity = workspace.identity {
                json.member("device", identifier: identity.device)
                json.member("gid", quantity: identity.gid)
            }
            if let git = workspace.git { json.member("gitHead", bytes: git.head) }
            if let identity = workspace.identity { json.member("inode", identifier: identity.inode) }
            json.member("path", bytes: workspace.path)
            json.member("role", string: "workspace")
            if let identity = workspace.identity { json.member("uid", quantity: identity.uid) }
        }
        object("digest") { json in
            if let identity = workspace.identity {
                let text = "\(identity.device):\(identity.inode)"
                json.member("folderIdentity", hexadecimal: SHA256.digest(Array(text.utf8)))
            }
            if let commit = workspace.git?.commit { json.member("gitCommit", string: commit) }
            json.member("path", hexadecimal: SHA256.digest(workspace.path.bytes))
        }
        member("name", text: workspace.path.description)
    }

    fileprivate mutating func stream(_ stream: StandardStream) {
        member("device", identifier: stream.device)
        member("inode", identifier: stream.inode)
        member("kind", string: stream.kind.rawValue)
        member("number", integer: stream.number)
        member("relayed", bool: stream.isRelayed)
    }
}
