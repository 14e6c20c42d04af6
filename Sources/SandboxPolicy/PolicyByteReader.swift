import SandboxPlan

/// Reads the fields of a compiled policy one after the other, checking each.
struct PolicyByteReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func take(_ count: Int) throws(CompiledPolicyCodingError) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= bytes.count - offset else { throw .field("length", offset: offset) }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    mutating func integer<Integer: FixedWidthInteger & UnsignedInteger>() throws(CompiledPolicyCodingError) -> Integer {
        Integer(littleEndian: try take(MemoryLayout<Integer>.size).loadUnaligned(as: Integer.self))
    }

    /// An integer that must lie in a range.
    mutating func integer<Integer: FixedWidthInteger & UnsignedInteger>(
        _ name: String,
        in range: ClosedRange<Integer>
    ) throws(CompiledPolicyCodingError) -> Integer {
        let value: Integer = try integer()
        guard range.contains(value) else { throw .field(name, offset: offset) }
        return value
    }

    /// An enumeration by its raw value.
    mutating func choice<Value: RawRepresentable<UInt8>>(_ name: String) throws(CompiledPolicyCodingError) -> Value {
        guard let value = Value(rawValue: try integer()) else { throw .field(name, offset: offset) }
        return value
    }

    /// The length of a list of which each element takes at least `size` bytes.
    private mutating func count(
        _ name: String,
        size: Int,
        in range: ClosedRange<Int>
    ) throws(CompiledPolicyCodingError) -> Int {
        let count = Int(try integer() as UInt32)
        guard range.contains(count), count * size <= bytes.count - offset else { throw .field(name, offset: offset) }
        return count
    }

    /// Bytes as the kernel takes them: without NUL.
    mutating func string(_ name: String) throws(CompiledPolicyCodingError) -> OSString {
        let content = try take(Int(try integer() as UInt32))
        guard !content.contains(0) else { throw .field(name, offset: offset) }
        return OSString(content)
    }

    /// Any bytes.
    mutating func content() throws(CompiledPolicyCodingError) -> [UInt8] {
        Array(try take(Int(try integer() as UInt32)))
    }

    mutating func text(_ name: String) throws(CompiledPolicyCodingError) -> String {
        guard let text = try string(name).utf8 else { throw .field(name, offset: offset) }
        return text
    }

    mutating func strings(_ name: String) throws(CompiledPolicyCodingError) -> [OSString] {
        let count = try count(name, size: 4, in: PolicyRange.joinedLength)
        var values: [OSString] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try string(name)) }
        return values
    }

    mutating func compiledPolicy() throws(CompiledPolicyCodingError) -> CompiledPolicy {
        let digest = try digestBytes("digest")
        let placeFilter = try program("placeFilter")
        let processFilter = try program("processFilter")
        let policy = try policy()
        let count = try count("files", size: 45, in: 0...PolicyByteReader.mostFiles)
        var files: [PolicyFile] = []
        for _ in 0..<count { files.append(try file()) }
        return CompiledPolicy(
            policy: policy,
            digest: digest,
            placeFilter: placeFilter,
            processFilter: processFilter,
            files: files,
            origins: try said(files.count),
            project: try statement(files.count),
            ceiling: try statement(files.count),
            inputs: try digestBytes("inputs")
        )
    }

    /// The named policy, what it extends, the project's, the ceiling.
    private static let mostFiles = PolicyRange.extendsDepth + 3

    mutating func file() throws(CompiledPolicyCodingError) -> PolicyFile {
        PolicyFile(
            kind: try choice("files"),
            name: try text("files"),
            path: try string("files"),
            digest: try digestBytes("files")
        )
    }

    private mutating func digestBytes(_ name: String) throws(CompiledPolicyCodingError) -> [UInt8] {
        let length = try count(name, size: 1, in: 32...32)
        return Array(try take(length))
    }

    private mutating func said(_ files: Int) throws(CompiledPolicyCodingError) -> [PolicyOrigin] {
        // Each text says a key at most once.
        let count = try count("said", size: 6, in: 0...PolicyKey.allCases.count * PolicyByteReader.mostFiles)
        var origins: [PolicyOrigin] = []
        origins.reserveCapacity(count)
        for _ in 0..<count {
            let key: PolicyKey = try choice("said")
            let file: UInt8 = try integer()
            guard Int(file) < files else { throw .field("said", offset: offset) }
            origins.append(PolicyOrigin(key: key, file: file, line: try integer()))
        }
        return origins
    }

    private mutating func statement(_ files: Int) throws(CompiledPolicyCodingError) -> PolicyStatement? {
        let isThere: UInt8 = try integer("statement", in: 0...1)
        if isThere == 0 { return nil }
        return PolicyStatement(values: try policy(), said: try said(files))
    }

    private mutating func program(_ name: String) throws(CompiledPolicyCodingError) -> SeccompProgram {
        // BPF_MAXINSNS.
        let count = try count(name, size: 8, in: 1...4096)
        let words = try take(count * 8)
        return SeccompProgram(
            instructions: (0..<count).map {
                UInt64(littleEndian: words.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
            }
        )
    }

    private mutating func policy() throws(CompiledPolicyCodingError) -> Policy {
        Policy(
            name: try text("name"),
            summary: try text("summary"),
            confinement: try choice("confinement"),
            workspace: try choice("workspace"),
            git: try choice("git"),
            filesystem: try filesystem(),
            network: try network(),
            environment: try environment(),
            limits: try limits(),
            seccomp: try seccomp(),
            landlock: LandlockPolicy(
                minimumABI: try integer("minimumABI", in: PolicyRange.landlockABI),
                requirement: try choice("requirement")
            ),
            process: ProcessPolicy(
                umask: try integer("umask", in: PolicyRange.umask),
                hostname: try string("hostname")
            ),
            worker: WorkerPolicy(command: try command())
        )
    }

    /// A program has an absolute path; its arguments are any words.
    private mutating func command() throws(CompiledPolicyCodingError) -> [OSString] {
        let words = try strings("command")
        guard words.isEmpty || words[0].isAbsolute else { throw .field("command", offset: offset) }
        return words
    }

    private mutating func filesystem() throws(CompiledPolicyCodingError) -> FilesystemPolicy {
        FilesystemPolicy(
            system: try strings("system"),
            etc: try strings("etc"),
            read: try strings("read"),
            write: try strings("write"),
            deny: try strings("deny"),
            denyGlobs: try strings("denyGlobs"),
            protect: try strings("protect"),
            except: try strings("except"),
            coverMissing: try strings("coverMissing"),
            onNew: try choice("onNew"),
            unixSockets: try strings("unixSockets"),
            tmpSize: ByteCount(bytes: try integer("tmpSize", in: PolicyRange.tmpSize)),
            tmpInodes: try integer("tmpInodes", in: PolicyRange.tmpInodes)
        )
    }

    private mutating func network() throws(CompiledPolicyCodingError) -> NetworkPolicy {
        switch try integer() as UInt8 {
        case 0: return .off(loopback: false)
        case 1: return .off(loopback: true)
        case 2: return .host
        case _: throw .field("network", offset: offset)
        }
    }

    private mutating func environment() throws(CompiledPolicyCodingError) -> EnvironmentPolicy {
        let inherit: EnvironmentPolicy.Inherit = try choice("inherit")
        let exclude = try strings("exclude")
        let pass = try strings("pass")
        let count = try count("set", size: 8, in: PolicyRange.listLength)
        var entries: [EnvironmentEntry] = []
        for _ in 0..<count {
            entries.append(EnvironmentEntry(name: try string("set"), value: try string("set")))
        }
        return EnvironmentPolicy(inherit: inherit, exclude: exclude, pass: pass, set: entries)
    }

    private mutating func limits() throws(CompiledPolicyCodingError) -> LimitPolicy {
        let tasks = try integer("tasks", in: PolicyRange.tasks)
        let kind: UInt8 = try integer("memory", in: 0...1)
        let bytes = ByteCount(bytes: try integer("memory", in: PolicyRange.memory))
        let high = try sizeOrNone("memoryHigh", in: PolicyRange.memoryHigh)
        let openFiles = try integer("openFiles", in: PolicyRange.openFiles)
        let fileSize = ByteCount(bytes: try integer("fileSize", in: PolicyRange.fileSize))
        let cpuSeconds = try integer("cpuSeconds", in: PolicyRange.cpuSeconds)
        let share: UInt64 = try integer()
        guard share == 0 || PolicyRange.cpuThousandths.contains(share) else {
            throw .field("cpuThousandths", offset: offset)
        }
        let workspace = try sizeOrNone("workspace", in: PolicyRange.workspace)
        let output = try sizeOrNone("output", in: PolicyRange.output)
        let wall = TimeSpan(milliseconds: try integer("wall", in: PolicyRange.wall))
        let grace = TimeSpan(milliseconds: try integer("grace", in: PolicyRange.grace))
        let count = try count("requireKernel", size: 1, in: 0...LimitPolicy.Kind.allCases.count)
        var kinds: Set<LimitPolicy.Kind> = []
        var last: UInt8?
        for _ in 0..<count {
            let kind: LimitPolicy.Kind = try choice("requireKernel")
            // Each once and in order, as it is written.
            guard last.map({ $0 < kind.rawValue }) ?? true else { throw .field("requireKernel", offset: offset) }
            last = kind.rawValue
            kinds.insert(kind)
        }
        return LimitPolicy(
            tasks: tasks,
            memory: kind == 0 ? .upToHalfOfRAM(bytes) : .exactly(bytes),
            memoryHigh: high,
            openFiles: openFiles,
            fileSize: fileSize,
            cpuSeconds: cpuSeconds,
            cpuThousandths: share,
            workspace: workspace,
            output: output,
            wall: wall,
            grace: grace,
            requireKernel: kinds
        )
    }

    /// An amount of that range, or 0.
    private mutating func sizeOrNone(
        _ field: String,
        in range: ClosedRange<UInt64>
    ) throws(CompiledPolicyCodingError) -> ByteCount {
        let bytes: UInt64 = try integer()
        guard bytes == 0 || range.contains(bytes) else { throw .field(field, offset: offset) }
        return ByteCount(bytes: bytes)
    }

    private mutating func seccomp() throws(CompiledPolicyCodingError) -> SeccompPolicy {
        let count = try count("without", size: 4, in: PolicyRange.listLength)
        var names: [String] = []
        for _ in 0..<count { names.append(try text("without")) }
        return SeccompPolicy(without: names)
    }
}
