internal import SandboxPlan

extension JSONWriter {
    /// A policy with every value; of environment entries the names only.
    mutating func policy(_ compiled: CompiledPolicy) {
        let policy = compiled.policy
        object { json in
            json.member("confinement", string: policy.confinement.word)
            json.member("digest", sha256: compiled.digest)
            json.object("environment") { $0.environment(policy.environment) }
            json.object("filesystem") { $0.filesystem(policy.filesystem) }
            json.object("filters") { json in
                json.object("place") { $0.filter(compiled.placeFilter) }
                json.object("process") { $0.filter(compiled.processFilter) }
            }
            json.member("git", string: policy.git.word)
            json.object("landlock") { json in
                json.member("minimumAbi", quantity: policy.landlock.minimumABI)
                json.member("requirement", string: policy.landlock.requirement.word)
            }
            json.object("limits") { $0.limits(policy.limits) }
            json.member("name", bytes: OSString(policy.name))
            json.object("network") { $0.network(policy.network) }
            json.object("process") { json in
                json.member("hostname", bytes: policy.process.hostname)
                json.member("umask", mode: policy.process.umask)
            }
            json.object("seccomp") { $0.member("without", texts: policy.seccomp.without) }
            // The named policy alone has its digest above.
            if compiled.files.count > 1 { json.member("sources", array: compiled.files) { $0.source($1) } }
            json.member("summary", text: policy.summary)
            // What a launch without it never had.
            if !policy.worker.command.isEmpty {
                json.object("worker") { $0.member("command", bytes: policy.worker.command) }
            }
            json.member("workspace", string: policy.workspace.word)
        }
    }

    /// A text that went into the policy.
    private mutating func source(_ file: PolicyFile) {
        object { json in
            json.member("digest", sha256: file.digest)
            json.member("kind", string: file.kind.word)
            json.member("name", bytes: OSString(file.name))
            if !file.path.isEmpty { json.member("path", bytes: file.path) }
            if file.kind == .project { json.member("trusted", bool: file.isTrusted) }
        }
    }

    private mutating func environment(_ environment: EnvironmentPolicy) {
        member("exclude", bytes: environment.exclude)
        member("inherit", string: environment.inherit.word)
        member("pass", bytes: environment.pass)
        member("set", bytes: environment.set.lazy.map(\.name))
    }

    private mutating func filesystem(_ filesystem: FilesystemPolicy) {
        member("coverMissing", bytes: filesystem.coverMissing)
        member("deny", bytes: filesystem.deny)
        if !filesystem.denyGlobs.isEmpty { member("denyGlobs", bytes: filesystem.denyGlobs) }
        member("etc", bytes: filesystem.etc)
        if !filesystem.except.isEmpty { member("except", bytes: filesystem.except) }
        member("onNew", string: filesystem.onNew.word)
        member("protect", bytes: filesystem.protect)
        member("read", bytes: filesystem.read)
        member("system", bytes: filesystem.system)
        member("tmpInodes", quantity: filesystem.tmpInodes)
        member("tmpSizeBytes", quantity: filesystem.tmpSize.bytes)
        member("unixSockets", bytes: filesystem.unixSockets)
        member("write", bytes: filesystem.write)
    }

    private mutating func limits(_ limits: LimitPolicy) {
        member("cpuSeconds", quantity: limits.cpuSeconds)
        if limits.cpuThousandths > 0 { member("cpuThousandths", quantity: limits.cpuThousandths) }
        member("fileSizeBytes", quantity: limits.fileSize.bytes)
        member("graceMilliseconds", quantity: limits.grace.milliseconds)
        object("memory") { json in
            switch limits.memory {
            case .exactly(let amount):
                json.member("bytes", quantity: amount.bytes)
                json.member("rule", string: "exactly")
            case .upToHalfOfRAM(let amount):
                json.member("bytes", quantity: amount.bytes)
                json.member("rule", string: "up-to-half-of-ram")
            }
        }
        if limits.memoryHigh.bytes > 0 { member("memoryHighBytes", quantity: limits.memoryHigh.bytes) }
        member("openFiles", quantity: limits.openFiles)
        if limits.output.bytes > 0 { member("outputBytes", quantity: limits.output.bytes) }
        let required = LimitPolicy.Kind.allCases.filter { limits.requireKernel.contains($0) }
        member("requireKernel", array: required) { $0.string($1.word) }
        member("tasks", quantity: limits.tasks)
        member("wallMilliseconds", quantity: limits.wall.milliseconds)
        if limits.workspace.bytes > 0 { member("workspaceBytes", quantity: limits.workspace.bytes) }
    }

    private mutating func network(_ network: NetworkPolicy) {
        switch network {
        case .off(let loopback):
            member("loopback", bool: loopback)
            member("mode", string: "off")
        case .host:
            member("mode", string: "host")
        }
    }

    /// The program's length and the digest of its words, each as eight bytes, little endian.
    private mutating func filter(_ program: SeccompProgram) {
        var hash = SHA256()
        program.instructions.withUnsafeBytes { hash.update($0) }
        member("digest", sha256: hash.digest())
        member("instructions", quantity: UInt(program.instructions.count))
    }
}
