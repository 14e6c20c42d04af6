import SandboxPlan
import Testing

@testable import SandboxPolicy

@Suite struct CompiledPolicyCodingTests {
    static let toolVersion = "1.2.3"

    /// Stands in for SHA-256: a different byte anywhere always changes it, which is what is needed here.
    ///
    /// FNV-1a, an invertible step per byte.
    static func digest(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return (0..<32).map { UInt8(truncatingIfNeeded: state >> (8 * ($0 % 8))) }
    }

    static func sample(network: NetworkPolicy = .off(loopback: true), memory: LimitPolicy.Memory) -> CompiledPolicy {
        CompiledPolicy(
            policy: Policy(
                name: "häß",
                summary: "One.",
                confinement: .sandbox,
                workspace: .readWrite,
                git: .create,
                filesystem: FilesystemPolicy(
                    system: ["/usr", "/bin"],
                    etc: ["ssl/certs"],
                    read: [OSString([0x2F, 0xFF, 0x0A])],
                    write: [],
                    deny: ["/a b"],
                    denyGlobs: ["*.pem"],
                    protect: [".git/config", ".codex"],
                    except: [".codex/a"],
                    coverMissing: [".codex"],
                    onNew: .remove,
                    unixSockets: ["/s"],
                    tmpSize: .gibibytes(1),
                    tmpInodes: 100_000
                ),
                network: network,
                environment: EnvironmentPolicy(
                    inherit: .core,
                    exclude: ["*KEY*"],
                    pass: ["A"],
                    set: [EnvironmentEntry(name: "B", value: ""), EnvironmentEntry(name: "C", value: "x=y")]
                ),
                limits: LimitPolicy(
                    tasks: 1024,
                    memory: memory,
                    memoryHigh: .gibibytes(1),
                    openFiles: 4096,
                    fileSize: .gibibytes(8),
                    cpuSeconds: 0,
                    cpuThousandths: 0,
                    workspace: ByteCount(bytes: 0),
                    output: ByteCount(bytes: 0),
                    wall: .hours(24),
                    grace: .seconds(2),
                    requireKernel: [.memory, .cpu]
                ),
                seccomp: SeccompPolicy(without: ["debug"]),
                landlock: LandlockPolicy(minimumABI: 1, requirement: .required),
                process: ProcessPolicy(umask: 0o22, hostname: "sandbox"),
                worker: WorkerPolicy(command: ["/w", "a", "a"])
            ),
            digest: (0..<32).map { $0 },
            placeFilter: SeccompProgram(instructions: [0x7FFF_0000_0000_0006]),
            processFilter: SeccompProgram(instructions: [0x0000_0004_0000_0020, 0x8000_0000_0000_0006])
        )
    }

    /// The same with everything that a compiled policy can have.
    static var full: CompiledPolicy {
        var full = sample(memory: .exactly(.mebibytes(64)))
        let digest = [UInt8](repeating: 3, count: 32)
        full.files = [
            PolicyFile(kind: .file, name: "./a.toml", path: "/a.toml", digest: digest),
            PolicyFile(kind: .builtIn, name: "base", path: "", digest: digest),
            PolicyFile(kind: .project, name: ".codex-sandbox.toml", path: "/w/.codex-sandbox.toml", digest: digest),
            PolicyFile(kind: .ceiling, name: "policy.toml", path: "/etc/codex-sandbox/policy.toml", digest: digest),
        ]
        full.origins = [
            PolicyOrigin(key: .tasks, file: 0, line: 3), PolicyOrigin(key: .deny, file: 1, line: .max),
        ]
        full.project = PolicyStatement(
            values: full.policy,
            said: [PolicyOrigin(key: .without, file: 2, line: 1)]
        )
        full.ceiling = PolicyStatement(values: full.policy, said: [])
        full.inputs = digest
        return full
    }

    static let standard = sample(memory: .upToHalfOfRAM(.gibibytes(4)))

    static func encoded(_ policy: CompiledPolicy = standard) -> [UInt8] {
        CompiledPolicyCoding.encode(policy, toolVersion: toolVersion, sha256: digest)
    }

    static func decode(
        _ bytes: [UInt8],
        toolVersion: String = toolVersion
    ) -> Result<CompiledPolicy, CompiledPolicyCodingError> {
        bytes.withUnsafeBytes { buffer in
            Result { () throws(CompiledPolicyCodingError) in
                try CompiledPolicyCoding.decode(buffer, toolVersion: toolVersion, sha256: digest)
            }
        }
    }

    /// The body changed and the checksum made right again: what somebody who owns the cache could write.
    static func resealed(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= CompiledPolicyCoding.headerLength else { return bytes }
        var bytes = bytes
        for index in 0..<8 { bytes[44 + index] = UInt8(truncatingIfNeeded: bytes.count >> (8 * index)) }
        let digest = bytes[CompiledPolicyCoding.headerLength...].withUnsafeBytes(digest)
        bytes.replaceSubrange(52..<84, with: digest)
        return bytes
    }

    @Test(arguments: [
        sample(memory: .upToHalfOfRAM(.gibibytes(4))),
        sample(network: .off(loopback: false), memory: .exactly(.mebibytes(64))),
        sample(network: .host, memory: .exactly(ByteCount(bytes: UInt64(Int64.max)))), full,
    ]) func whatIsWrittenIsRead(policy: CompiledPolicy) throws {
        #expect(try Self.decode(Self.encoded(policy)).get() == policy)
    }

    @Test func everyChangedByteIsNoticed() {
        let bytes = Self.encoded(Self.full)
        var taken: [String] = []
        for index in bytes.indices {
            for flip in [UInt8(1), 0x80, 0xFF] {
                var changed = bytes
                changed[index] ^= flip
                if case .success = Self.decode(changed) { taken.append("\(index) ^ \(flip)") }
            }
        }
        #expect(taken.isEmpty)
    }

    @Test func everyLengthButTheRightOneIsRefused() {
        let bytes = Self.encoded()
        for count in 0..<bytes.count {
            if case .success = Self.decode(Array(bytes.prefix(count))) { Issue.record("\(count) bytes were taken") }
        }
        #expect(Self.decode(bytes + [0]) == .failure(.length(bytes.count + 1)))
        let large = [UInt8](repeating: 0, count: CompiledPolicyCoding.maximumLength + 1)
        #expect(Self.decode(large) == .failure(.length(large.count)))
    }

    @Test func eachCauseIsNamed() {
        let bytes = Self.encoded()
        #expect(Self.decode(bytes, toolVersion: "1.2.4") == .failure(.otherTool))
        #expect(Self.decode(bytes, toolVersion: "1.2.3 and much more than thirty-two bytes") == .failure(.otherTool))
        var changed = bytes
        changed[0] = 0
        #expect(Self.decode(changed) == .failure(.notAPolicy))
        changed = bytes
        changed[8] = 9
        #expect(Self.decode(changed) == .failure(.format(9)))
        changed = bytes
        changed[bytes.count - 1] ^= 1
        #expect(Self.decode(changed) == .failure(.checksum))
    }

    /// With the checksum right, nothing may trap, and what is taken must be within every range.
    @Test func hostileBytesBehindARightChecksumAreHandled() {
        let bytes = Self.encoded(Self.full)
        var random = PolicyMeetTests.Random(state: 20_261_123)
        var refused = 0, taken = 0
        for _ in 0..<4000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: CompiledPolicyCoding.headerLength..<changed.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: changed[index] = UInt8.random(in: 0...255, using: &random)
                case 1: changed[index] = [0, 1, 0x7F, 0x80, 0xFF][Int.random(in: 0..<5, using: &random)]
                case 2: changed.remove(at: index)
                default: changed.insert(UInt8.random(in: 0...255, using: &random), at: index)
                }
            }
            switch Self.decode(Self.resealed(changed)) {
            case .failure: refused += 1
            case .success(let policy):
                taken += 1
                let limits = policy.policy.limits
                if !PolicyRange.tasks.contains(limits.tasks) || !PolicyRange.wall.contains(limits.wall.milliseconds)
                    || !PolicyRange.umask.contains(policy.policy.process.umask) || policy.digest.count != 32
                    || policy.origins.contains(where: { Int($0.file) >= policy.files.count })
                    || policy.inputs.count != 32 || policy.files.contains(where: { $0.digest.count != 32 })
                {
                    Issue.record("a value out of range was taken")
                }
            }
        }
        // Both happen, or the mutation shows nothing.
        #expect(refused > 200 && taken > 20)
    }

    @Test func anOriginInAFileThatIsNotListedIsRefused() {
        var policy = Self.full
        policy.origins[0].file = 4
        guard case .failure(.field("said", _)) = Self.decode(Self.encoded(policy)) else {
            Issue.record("it was taken")
            return
        }
    }

    @Test func whatTheCompilerReadsIsWhatItWasGiven() throws {
        let file = Self.full.files[0]
        let inputs = PolicyInputs(
            named: PolicyInputs.Text(file: file, text: [0, 1, 2]),
            project: nil,
            ceiling: PolicyInputs.Text(file: Self.full.files[3], text: []),
            settingsFolder: "/s"
        )
        let bytes = inputs.bytes
        func read(_ bytes: [UInt8]) -> Result<PolicyInputs, CompiledPolicyCodingError> {
            bytes.withUnsafeBytes { buffer in
                Result { () throws(CompiledPolicyCodingError) in try PolicyInputs(buffer) }
            }
        }
        #expect(try read(bytes).get() == inputs)
        for count in 0..<bytes.count {
            #expect(throws: CompiledPolicyCodingError.self) { try read(Array(bytes.prefix(count))).get() }
        }
        #expect(throws: CompiledPolicyCodingError.self) { try read(bytes + [0]).get() }
    }

    /// Whatever could make another policy makes another entry of the cache.
    @Test func theIdentityCoversEveryTextThatIsGiven() {
        let file = Self.full.files[0]
        func identity(
            _ change: (inout PolicyInputs) -> Void
        ) -> [UInt8] {
            var inputs = PolicyInputs(
                named: PolicyInputs.Text(file: file, text: []),
                project: PolicyInputs.Text(file: Self.full.files[2], text: []),
                ceiling: PolicyInputs.Text(file: Self.full.files[3], text: []),
                settingsFolder: "/s"
            )
            change(&inputs)
            return inputs.identity
        }
        let other = [UInt8](repeating: 4, count: 32)
        let all = [
            identity { _ in }, identity { $0.named.file.digest = other }, identity { $0.named.file.name = "x" },
            identity { $0.named.file.path = "/x" }, identity { $0.named.file.kind = .own },
            identity { $0.project?.file.digest = other }, identity { $0.project?.file.path = "/x" },
            identity { $0.project = nil }, identity { $0.ceiling?.file.digest = other }, identity { $0.ceiling = nil },
            identity { $0.settingsFolder = "/x" },
        ]
        #expect(Set(all).count == all.count)
    }

    @Test func countsLargerThanTheFileAreRefusedWithoutAllocating() {
        var bytes = Self.encoded()
        // The first count of the body: the digest's length.
        for index in 0..<4 { bytes[CompiledPolicyCoding.headerLength + index] = 0xFF }
        #expect(Self.decode(Self.resealed(bytes)) == .failure(.field("digest", offset: 4)))
    }
}
