import SandboxPlan
import Testing

@testable import SandboxKernel

/// What an earlier launch left counts only if it is, byte for byte, the beginning of the plan.
@Suite struct FirstStepsTests {
    private static let steps: [LaunchStep] = [
        .privatePropagation, .newRoot(size: .mebibytes(16), inodes: 16384),
        .tmpfs(path: "/.sandbox", size: .mebibytes(1), inodes: 64, mode: 0o700, options: [.noSetuid, .noDevices]),
        .symlink(path: "/bin", target: "usr/bin"),
        .writeFile(path: "/etc/hosts", contents: Array("127.0.0.1 localhost\n".utf8), mode: 0o444),
        .procfs(path: "/proc"), .hostname("sandbox"), .freshKeyring,
        .writeFile(path: "/etc/gitconfig", contents: Array("[safe]\n".utf8), mode: 0o444), .enterRoot,
    ]

    static func plan(_ steps: [LaunchStep] = steps, common: Int = 8) -> LaunchPlan {
        LaunchPlan(
            policyName: "test",
            policyDigest: [],
            confinement: .sandbox,
            identity: IdentityPlan(uid: 1000, gid: 1000, dropsFromRoot: false, keptGroups: []),
            namespaces: [],
            steps: steps,
            commonSteps: common,
            placeholders: [],
            landlock: LandlockPlan(
                abi: 1,
                handledFilesystem: 1,
                handledNetwork: 0,
                scoped: 0,
                rules: [],
                heldElsewhere: []
            ),
            limits: LimitPlan(
                memory: .mebibytes(1),
                tasks: 1,
                wall: .seconds(1),
                grace: .seconds(1),
                setUp: .seconds(1),
                memoryWatchInterval: .seconds(1),
                rlimits: []
            ),
            process: ProcessPlan(
                arguments: ["true"],
                candidates: ["/bin/true"],
                workingDirectory: "/",
                environment: []
            ),
            layers: [],
            notes: []
        )
    }

    static func lowered(_ plan: LaunchPlan) -> [UInt8] {
        PlanLowering.lowered(plan, filter: SeccompProgram(instructions: [1, 2, 3]))
    }

    @Test func theBeginningOfTheSamePlanCounts() throws {
        let first = try #require(FirstSteps(of: Self.plan()))
        #expect(first.count(in: Self.lowered(Self.plan())) == 8)
    }

    @Test func whatComesAfterThemMayDiffer() throws {
        let first = try #require(FirstSteps(of: Self.plan()))
        var steps = Self.steps
        steps[8] = .writeFile(path: "/etc/gitconfig", contents: Array("[safe] another\n".utf8), mode: 0o444)
        steps.append(.noNewPrivileges)
        #expect(first.count(in: Self.lowered(Self.plan(steps))) == 8)
    }

    @Test func anyOtherStepDoesNot() throws {
        let first = try #require(FirstSteps(of: Self.plan()))
        for index in 0..<8 {
            var steps = Self.steps
            steps[index] = .makeFolders(path: "/other", mode: 0o755)
            #expect(first.count(in: Self.lowered(Self.plan(steps))) == nil, "step \(index)")
        }
        #expect(first.count(in: Self.lowered(Self.plan(Array(Self.steps.prefix(7)), common: 7))) == nil)
    }

    @Test func aPlanWithoutCommonStepsHasNone() {
        #expect(FirstSteps(of: Self.plan(common: 0)) == nil)
    }

    /// Every byte of the file decides, but for the alignment between strings and steps.
    @Test func everyByteCounts() throws {
        let first = try #require(FirstSteps(of: Self.plan()))
        let whole = Self.lowered(Self.plan())
        var same: [Int] = []
        for index in first.bytes.indices {
            var bytes = first.bytes
            bytes[index] ^= 0x41
            if FirstSteps(holding: bytes).count(in: whole) != nil { same.append(index) }
        }
        // What the header has besides is for pid 1, which checks it (cs_check_plan), or means nothing in first steps. Behind
        // the strings there are at most seven bytes of alignment.
        let header = 128
        #expect(same.filter { $0 >= header }.count <= 7, "\(same)")
    }

    /// Where the strings end is the file's own word.
    @Test func stringsThatAreSaidToEndEarlyAreComparedAllTheSame() throws {
        let first = try #require(FirstSteps(of: Self.plan()))
        let whole = Self.lowered(Self.plan())
        let start = 96  // the header
        var bytes = first.bytes
        let text = try #require(Self.position(of: "127.0.0.1 localhost", in: bytes))
        bytes[text] = UInt8(ascii: "6")
        for end in [start, start + 1, text, text + 1] {
            // strings_end stands behind magic, total, counts and offsets: cs_wire.h.
            withUnsafeBytes(of: UInt32(end).littleEndian) {
                for (index, byte) in $0.enumerated() { bytes[40 + index] = byte }
            }
            #expect(FirstSteps(holding: bytes).count(in: whole) == nil, "\(end)")
        }
    }

    private static func position(of text: String, in bytes: [UInt8]) -> Int? {
        let wanted = Array(text.utf8)
        return bytes.indices.first { bytes[$0...].starts(with: wanted) }
    }

    @Test func damagedOnesAreNeverRead() throws {
        let first = try #require(FirstSteps(of: Self.plan()))
        let whole = Self.lowered(Self.plan())
        for length in 0..<first.bytes.count {
            #expect(FirstSteps(holding: Array(first.bytes.prefix(length))).count(in: whole) == nil, "\(length) bytes")
        }
        for length in 0..<min(whole.count, 400) {
            _ = first.count(in: Array(whole.prefix(length)))
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = first.bytes
            for _ in 0..<4 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = FirstSteps(holding: bytes).count(in: whole)
        }
    }
}
