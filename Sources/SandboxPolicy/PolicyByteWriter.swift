public import SandboxPlan

/// Writes the fields of a compiled policy one after the other.
struct PolicyByteWriter {
    var bytes: [UInt8] = []

    mutating func integer(_ value: some FixedWidthInteger & UnsignedInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }

    mutating func string(_ value: OSString) {
        integer(UInt32(value.bytes.count))
        bytes += value.bytes
    }

    mutating func text(_ value: String) { string(OSString(value)) }

    mutating func list<Element>(_ elements: [Element], _ write: (inout PolicyByteWriter, Element) -> Void) {
        integer(UInt32(elements.count))
        for element in elements { write(&self, element) }
    }

    mutating func strings(_ values: [OSString]) { list(values) { $0.string($1) } }

    mutating func compiledPolicy(_ compiled: CompiledPolicy) {
        list(compiled.digest) { $0.integer($1) }
        program(compiled.placeFilter)
        program(compiled.processFilter)
        policy(compiled.policy)
        list(compiled.files) { $0.file($1) }
        said(compiled.origins)
        statement(compiled.project)
        statement(compiled.ceiling)
        list(compiled.inputs) { $0.integer($1) }
    }

    mutating func file(_ file: PolicyFile) {
        integer(file.kind.rawValue)
        text(file.name)
        string(file.path)
        list(file.digest) { $0.integer($1) }
    }

    private mutating func said(_ origins: [PolicyOrigin]) {
        list(origins) {
            $0.integer($1.key.rawValue)
            $0.integer($1.file)
            $0.integer($1.line)
        }
    }

    private mutating func statement(_ statement: PolicyStatement?) {
        integer(UInt8(statement == nil ? 0 : 1))
        guard let statement else { return }
        policy(statement.values)
        said(statement.said)
    }

    private mutating func program(_ program: SeccompProgram) {
        list(program.instructions) { $0.integer($1) }
    }

    fileprivate mutating func policy(_ policy: Policy) {
        text(policy.name)
        text(policy.summary)
        integer(policy.confinement.rawValue)
        integer(policy.workspace.rawValue)
        integer(policy.git.rawValue)
        filesystem(policy.filesystem)
        switch policy.network {
        case .off(let loopback): integer(UInt8(loopback ? 1 : 0))
        case .host: integer(UInt8(2))
        }
        environment(policy.environment)
        limits(policy.limits)
        list(policy.seccomp.without) { $0.text($1) }
        integer(policy.landlock.minimumABI)
        integer(policy.landlock.requirement.rawValue)
        integer(policy.process.umask)
        string(policy.process.hostname)
        strings(policy.worker.command)
    }

    private mutating func filesystem(_ policy: FilesystemPolicy) {
        strings(policy.system)
        strings(policy.etc)
        strings(policy.read)
        strings(policy.write)
        strings(policy.deny)
        strings(policy.denyGlobs)
        strings(policy.protect)
        strings(policy.except)
        strings(policy.coverMissing)
        integer(policy.onNew.rawValue)
        strings(policy.unixSockets)
        integer(policy.tmpSize.bytes)
        integer(policy.tmpInodes)
    }

    private mutating func environment(_ policy: EnvironmentPolicy) {
        integer(policy.inherit.rawValue)
        strings(policy.exclude)
        strings(policy.pass)
        list(policy.set) {
            $0.string($1.name)
            $0.string($1.value)
        }
    }

    private mutating func limits(_ policy: LimitPolicy) {
        integer(policy.tasks)
        switch policy.memory {
        case .upToHalfOfRAM(let bytes):
            integer(UInt8(0))
            integer(bytes.bytes)
        case .exactly(let bytes):
            integer(UInt8(1))
            integer(bytes.bytes)
        }
        integer(policy.memoryHigh.bytes)
        integer(policy.openFiles)
        integer(policy.fileSize.bytes)
        integer(policy.cpuSeconds)
        integer(policy.cpuThousandths)
        integer(policy.workspace.bytes)
        integer(policy.output.bytes)
        integer(policy.wall.milliseconds)
        integer(policy.grace.milliseconds)
        list(policy.requireKernel.sorted { $0.rawValue < $1.rawValue }) { $0.integer($1.rawValue) }
    }
}

extension Policy {
    /// Every value as compiled policies have it, without name and description: two policies that give the same are the same.
    public var bytes: [UInt8] {
        var plain = self
        (plain.name, plain.summary) = ("", "")
        var writer = PolicyByteWriter()
        writer.policy(plain)
        return writer.bytes
    }
}

extension PolicyStatement {
    /// Everything that is said, whatever its lines: two texts that say the same are the same.
    public var bytes: [UInt8] {
        var writer = PolicyByteWriter()
        writer.list(said.map(\.key.rawValue).sorted()) { $0.integer($1) }
        return writer.bytes + values.bytes
    }
}
