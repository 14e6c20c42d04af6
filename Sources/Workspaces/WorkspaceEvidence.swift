internal import SandboxPlan
internal import SandboxRuntime

/// The records of a project's launches.
struct WorkspaceEvidence {
    private let settings: WorkspaceSettings

    init(_ settings: WorkspaceSettings) { self.settings = settings }

    /// Whether a launch could keep its record: without one it is none.
    func checkFolder() throws(EvidenceError) {
        try StateFolder.prepare(try StateFolder.path(flag: settings.stateFolder, environment: settings.environment))
    }

    func location(of project: String) throws(EvidenceError) -> EvidenceLocation {
        EvidenceLocation(
            stateFolder: try StateFolder.path(flag: settings.stateFolder, environment: settings.environment),
            workspace: settings.root.appending(OSString(project))
        )
    }

    func launches(of project: String, _ selection: EvidenceReader.Selection) throws(EvidenceError) -> [RecordedLaunch] {
        try EvidenceReader(try location(of: project)).find(selection).launches
    }

    /// The records of the launches, a line each, in their order.
    static func lines(_ launches: [RecordedLaunch]) -> [UInt8] {
        var lines: [UInt8] = []
        for launch in launches {
            lines += launch.opening.canonical.bytes + [UInt8(ascii: "\n")]
            if let outcome = launch.outcome { lines += outcome.canonical.bytes + [UInt8(ascii: "\n")] }
        }
        return lines
    }
}
