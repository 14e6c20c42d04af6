import SandboxPlan

extension HostFacts {
    /// A host with an ordinary user, and these things on it.
    static func sample(entries: HostEntries = [:], resolverSettings: [UInt8] = []) -> HostFacts {
        HostFacts(
            kernelRelease: "6.18",
            bootID: "",
            landlockABI: 6,
            memoryTotal: .gibibytes(8),
            lastCapability: 40,
            caller: Caller(
                uid: 1000,
                gid: 1000,
                groups: [],
                userName: "",
                home: "",
                nice: 0,
                oomScoreAdjustment: 0,
                ignoredSignals: 0,
                seccompFilters: 0,
                rlimits: []
            ),
            entries: entries,
            gitUser: GitUser(name: "", email: ""),
            resolverSettings: resolverSettings,
            corePatternIsPipe: false
        )
    }
}
