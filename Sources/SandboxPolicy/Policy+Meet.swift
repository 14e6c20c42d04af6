public import SandboxPlan

extension Policy {
    /// The widest policy that is in no key wider than one of the two.
    ///
    /// Each part is built with every one of its fields, so that a new one does not compile without an answer here. The
    /// meet of a policy with itself is that policy. Turned round, lists come in another order, and the labels (name,
    /// description, host name) are the other's: they give nothing.
    ///
    /// - Parameters:
    ///   - other: the other one; its host name stands, name and description are this one's.
    ///   - workspace: a root of both, where it is known.
    /// - Returns: the meet; `cover_missing` may be longer than a place takes, which its user has to refuse.
    public func meet(_ other: Policy, workspace: OSString? = nil) -> Policy {
        Policy(
            name: name,
            summary: summary,
            confinement: confinement.strength >= other.confinement.strength ? confinement : other.confinement,
            workspace: self.workspace == .readWrite && other.workspace == .readWrite ? .readWrite : .readOnly,
            git: git.rawValue < other.git.rawValue ? git : other.git,
            filesystem: filesystemMeet(other, workspace),
            network: network.meet(other.network),
            environment: environment.meet(other.environment),
            limits: limits.meet(other.limits),
            seccomp: SeccompPolicy(without: seccomp.without.union(other.seccomp.without).sorted()),
            landlock: LandlockPolicy(
                minimumABI: max(landlock.minimumABI, other.landlock.minimumABI),
                requirement: landlock.requirement == .bestEffort && other.landlock.requirement == .bestEffort
                    ? .bestEffort : .required
            ),
            process: ProcessPolicy(
                umask: process.umask | other.process.umask,
                hostname: other.process.hostname
            ),
            // The same one, or none.
            worker: WorkerPolicy(command: worker.command == other.worker.command ? worker.command : [])
        )
    }

    private func filesystemMeet(_ other: Policy, _ workspace: OSString?) -> FilesystemPolicy {
        let (own, others) = (filesystem, other.filesystem)
        let rights = (PathRights(self, workspace: workspace), PathRights(other, workspace: workspace))
        func lesser(_ path: OSString) -> PathRights.Right { min(rights.0.right(at: path), rights.1.right(at: path)) }
        let mine = own.read + own.write
        // The lesser right at each root of either; a root at which one of the two gives nothing is none. One of the other's that
        // changes nothing in the folder around it is left out: a command line may say something else of that path.
        func roots(with right: PathRights.Right) -> [OSString] {
            mine.union(others.read + others.write)
                .filter { lesser($0) == right && (mine.contains($0) || lesser($0.parent) != right) }
        }
        return FilesystemPolicy(
            system: own.system.intersection(others.system),
            etc: own.etc.intersection(others.etc),
            read: roots(with: .read),
            write: roots(with: .write),
            deny: own.deny.union(others.deny),
            denyGlobs: own.denyGlobs.union(others.denyGlobs),
            protect: own.protect.union(others.protect),
            except: own.except.intersection(others.except),
            coverMissing: own.coverMissing.union(others.coverMissing),
            onNew: own.onNew.rawValue < others.onNew.rawValue ? own.onNew : others.onNew,
            unixSockets: own.unixSockets.intersection(others.unixSockets),
            tmpSize: min(own.tmpSize, others.tmpSize),
            tmpInodes: min(own.tmpInodes, others.tmpInodes)
        )
    }
}

extension NetworkPolicy {
    fileprivate func meet(_ other: NetworkPolicy) -> NetworkPolicy {
        switch (self, other) {
        case (.host, let off), (let off, .host): off
        case (.off(let own), .off(let others)): .off(loopback: own && others)
        }
    }
}

extension EnvironmentPolicy {
    /// A variable that only one of the two sets is not set, and does not come from the caller in its place either.
    fileprivate func meet(_ other: EnvironmentPolicy) -> EnvironmentPolicy {
        let set = set.intersection(other.set)
        let dropped = (self.set + other.set).map(\.name).filter { name in !set.contains { $0.name == name } }
        return EnvironmentPolicy(
            inherit: inherit.rawValue < other.inherit.rawValue ? inherit : other.inherit,
            exclude: exclude.union(other.exclude).union(dropped),
            pass: pass.intersection(other.pass).filter { !dropped.contains($0) },
            set: set
        )
    }
}

extension LimitPolicy {
    fileprivate func meet(_ other: LimitPolicy) -> LimitPolicy {
        let cpu = min(cpuMost, other.cpuMost)
        let high = min(memoryHighMost, other.memoryHighMost)
        let share = min(cpuShareMost, other.cpuShareMost)
        let held = min(workspaceMost, other.workspaceMost)
        let said = min(outputMost, other.outputMost)
        return LimitPolicy(
            tasks: min(tasks, other.tasks),
            memory: memory.meet(other.memory),
            memoryHigh: ByteCount(bytes: high == .max ? 0 : high),
            openFiles: min(openFiles, other.openFiles),
            fileSize: min(fileSize, other.fileSize),
            cpuSeconds: cpu == .max ? 0 : cpu,
            cpuThousandths: share == .max ? 0 : share,
            workspace: ByteCount(bytes: held == .max ? 0 : held),
            output: ByteCount(bytes: said == .max ? 0 : said),
            wall: min(wall, other.wall),
            grace: min(grace, other.grace),
            requireKernel: requireKernel.union(other.requireKernel)
        )
    }
}

extension LimitPolicy.Memory {
    /// On a machine with little memory half of it may be less than either amount: where one of the two says so, it stays.
    fileprivate func meet(_ other: LimitPolicy.Memory) -> LimitPolicy.Memory {
        let amount = min(amount, other.amount)
        if case .exactly = self, case .exactly = other { return .exactly(amount) }
        return .upToHalfOfRAM(amount)
    }
}

extension Array where Element: Hashable {
    /// In this one's order, then the other's; each once.
    fileprivate func union(_ other: [Element]) -> [Element] {
        var all: [Element] = []
        all.grow(by: self)
        all.grow(by: other)
        return all
    }

    fileprivate func intersection(_ other: [Element]) -> [Element] { filter(other.contains) }
}
