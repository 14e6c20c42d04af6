public import SandboxPlan

/// Which of two policies gives more, key by key: the table of docs/policy.md in code.
extension Policy {
    /// Whether this policy gives more than `other` in a key.
    ///
    /// - Parameters:
    ///   - other: what it is measured by.
    ///   - key: the key.
    ///   - workspace: a root of both, where it is known: a folder in it that is shown read-only narrows.
    /// - Returns: false where the two are equal, where this one gives less, and for what is no right.
    public func exceeds(_ other: Policy, in key: PolicyKey, workspace: OSString? = nil) -> Bool {
        switch key {
        // Labels: they give nothing to the job.
        case .description, .hostname: false
        case .fullAccess: confinement == .none && other.confinement != .none
        case .landlockOnly: confinement == .landlockOnly && other.confinement.strength > confinement.strength
        case .container: confinement == .container && other.confinement.strength > confinement.strength
        case .workspaceAccess: self.workspace.rawValue > other.workspace.rawValue
        case .system: filesystem.system.holdsMore(than: other.filesystem.system)
        case .etc: filesystem.etc.holdsMore(than: other.filesystem.etc)
        case .read: readsMore(than: other, workspace)
        case .write:
            PathRights(self, workspace: workspace).exceeds(
                PathRights(other, workspace: workspace),
                at: filesystem.write
            )
        case .deny: filesystem.deny.coversLess(than: other.filesystem.deny)
        case .denyGlobs: other.filesystem.denyGlobs.holdsMore(than: filesystem.denyGlobs)
        case .protect: filesystem.protect.coversLess(than: other.filesystem.protect)
        case .except: filesystem.except.holdsMore(than: other.filesystem.except)
        case .coverMissing: other.filesystem.coverMissing.holdsMore(than: filesystem.coverMissing)
        case .unixSockets: filesystem.unixSockets.holdsMore(than: other.filesystem.unixSockets)
        case .tmpSize: filesystem.tmpSize > other.filesystem.tmpSize
        case .tmpInodes: filesystem.tmpInodes > other.filesystem.tmpInodes
        case .networkMode: network == .host && other.network != .host
        case .networkLoopback: network == .off(loopback: true) && other.network == .off(loopback: false)
        case .inherit: environment.inherit.rawValue > other.environment.inherit.rawValue
        case .exclude: other.environment.exclude.holdsMore(than: environment.exclude)
        case .pass: environment.pass.holdsMore(than: other.environment.pass)
        case .set: environment.set.holdsMore(than: other.environment.set)
        case .tasks: limits.tasks > other.limits.tasks
        case .memory: limits.memory.amount > other.limits.memory.amount
        case .memoryHigh: limits.memoryHighMost > other.limits.memoryHighMost
        case .openFiles: limits.openFiles > other.limits.openFiles
        case .fileSize: limits.fileSize > other.limits.fileSize
        case .cpu: limits.cpuMost > other.limits.cpuMost
        case .cpus: limits.cpuShareMost > other.limits.cpuShareMost
        case .workspaceSize: limits.workspaceMost > other.limits.workspaceMost
        case .output: limits.outputMost > other.limits.outputMost
        case .wall: limits.wall > other.limits.wall
        case .grace: limits.grace > other.limits.grace
        case .requireKernel: !limits.requireKernel.isSuperset(of: other.limits.requireKernel)
        case .minimumABI: landlock.minimumABI < other.landlock.minimumABI
        case .landlockRequirement: landlock.requirement.rawValue > other.landlock.requirement.rawValue
        case .without: other.seccomp.without.holdsMore(than: seccomp.without)
        case .git: git.rawValue > other.git.rawValue
        case .onNew: filesystem.onNew.rawValue > other.filesystem.onNew.rawValue
        // Another program may do anything that the one that was chosen would not.
        case .workerCommand: !worker.command.isEmpty && worker.command != other.worker.command
        // Each bit keeps a right from others.
        case .umask: process.umask & other.process.umask != other.process.umask
        }
    }

    /// Whether two policies say the same in a key.
    public func agrees(with other: Policy, in key: PolicyKey) -> Bool {
        switch key {
        case .description: summary == other.summary
        case .fullAccess: (confinement == .none) == (other.confinement == .none)
        case .landlockOnly: (confinement == .landlockOnly) == (other.confinement == .landlockOnly)
        case .container: (confinement == .container) == (other.confinement == .container)
        case .workspaceAccess: workspace == other.workspace
        case .system: filesystem.system == other.filesystem.system
        case .etc: filesystem.etc == other.filesystem.etc
        case .read: filesystem.read == other.filesystem.read
        case .write: filesystem.write == other.filesystem.write
        case .deny: filesystem.deny == other.filesystem.deny
        case .denyGlobs: filesystem.denyGlobs == other.filesystem.denyGlobs
        case .protect: filesystem.protect == other.filesystem.protect
        case .except: filesystem.except == other.filesystem.except
        case .coverMissing: filesystem.coverMissing == other.filesystem.coverMissing
        case .unixSockets: filesystem.unixSockets == other.filesystem.unixSockets
        case .tmpSize: filesystem.tmpSize == other.filesystem.tmpSize
        case .tmpInodes: filesystem.tmpInodes == other.filesystem.tmpInodes
        case .networkMode: (network == .host) == (other.network == .host)
        case .networkLoopback: network == other.network
        case .inherit: environment.inherit == other.environment.inherit
        case .exclude: environment.exclude == other.environment.exclude
        case .pass: environment.pass == other.environment.pass
        case .set: environment.set == other.environment.set
        case .tasks: limits.tasks == other.limits.tasks
        case .memory: limits.memory == other.limits.memory
        case .memoryHigh: limits.memoryHigh == other.limits.memoryHigh
        case .openFiles: limits.openFiles == other.limits.openFiles
        case .fileSize: limits.fileSize == other.limits.fileSize
        case .cpu: limits.cpuSeconds == other.limits.cpuSeconds
        case .cpus: limits.cpuThousandths == other.limits.cpuThousandths
        case .workspaceSize: limits.workspace == other.limits.workspace
        case .output: limits.output == other.limits.output
        case .wall: limits.wall == other.limits.wall
        case .grace: limits.grace == other.limits.grace
        case .requireKernel: limits.requireKernel == other.limits.requireKernel
        case .minimumABI: landlock.minimumABI == other.landlock.minimumABI
        case .landlockRequirement: landlock.requirement == other.landlock.requirement
        case .without: seccomp.without == other.seccomp.without
        case .umask: process.umask == other.process.umask
        case .hostname: process.hostname == other.process.hostname
        case .git: git == other.git
        case .onNew: filesystem.onNew == other.filesystem.onNew
        case .workerCommand: worker.command == other.worker.command
        }
    }

    /// Reading what the other shows to nobody, or writing where the other has a folder that is only read.
    private func readsMore(than other: Policy, _ workspace: OSString?) -> Bool {
        let own = PathRights(self, workspace: workspace)
        let others = PathRights(other, workspace: workspace)
        return own.exceeds(others, at: filesystem.read)
            || own.exceeds(others, at: other.filesystem.read.filter { !filesystem.write.contains($0) })
    }
}

extension LimitPolicy {
    /// 0 is no limit at all.
    var cpuMost: UInt64 { cpuSeconds == 0 ? .max : cpuSeconds }

    /// The same.
    var cpuShareMost: UInt64 { cpuThousandths == 0 ? .max : cpuThousandths }

    /// The same.
    var memoryHighMost: UInt64 { memoryHigh.bytes == 0 ? .max : memoryHigh.bytes }

    /// The same.
    var workspaceMost: UInt64 { workspace.bytes == 0 ? .max : workspace.bytes }

    /// The same.
    var outputMost: UInt64 { output.bytes == 0 ? .max : output.bytes }
}

extension LimitPolicy.Memory {
    /// What it is at most, on whatever machine.
    var amount: ByteCount {
        switch self {
        case .upToHalfOfRAM(let amount), .exactly(let amount): amount
        }
    }
}

extension Array where Element: Hashable {
    /// Whether there is something in it that the other has not.
    func holdsMore(than other: [Element]) -> Bool { contains { !other.contains($0) } }
}

extension [OSString] {
    /// Whether something of the other's is neither in it nor in one of its folders.
    func coversLess(than other: [OSString]) -> Bool {
        other.contains { path in !contains { path.isWithin($0) } }
    }
}
