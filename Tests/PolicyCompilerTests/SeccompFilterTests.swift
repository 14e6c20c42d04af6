import SandboxPlan
import Testing

@testable import PolicyCompiler

/// The compiled programs against the group table, for every number and every argument that is looked at.
@Suite struct SeccompFilterTests {
    /// Compiled once for all tests of the whole table.
    private static let standard = Result { try SeccompFilters.process(SeccompPolicy(without: [])) }

    static func process(without: [String] = []) throws -> BPFEvaluator {
        if without.isEmpty { return BPFEvaluator(program: try standard.get()) }
        return BPFEvaluator(program: try SeccompFilters.process(SeccompPolicy(without: without)))
    }

    static func place() throws -> BPFEvaluator {
        BPFEvaluator(program: try SeccompFilters.place())
    }

    @Test func everyCallStandsInOneGroup() throws {
        var found: [String: UInt32] = [:]
        for group in SyscallGroup.all {
            for rule in group.calls {
                #expect(found[rule.name] == nil, "\(rule.name) stands twice")
                found[rule.name] = UInt32(try SeccompCompiler.number(of: rule))
            }
        }
        #expect(found == SyscallTable.numbers)
    }

    @Test func everyGroupHasAReasonAndANameOfItsOwn() {
        #expect(Set(SyscallGroup.all.map(\.name)).count == SyscallGroup.all.count)
        for group in SyscallGroup.all {
            #expect(group.reason.hasSuffix(".") && group.reason.count > 20, "\(group.name)")
            for rule in group.calls { #expect(rule.condition.isEmpty == (rule.decision == nil), "\(rule.name)") }
        }
    }

    @Test func unknownNumbersAreNotImplemented() throws {
        let filter = try Self.process()
        for number: UInt32 in [1024, 65_535, 0x3FFF_FFFF] {
            #expect(try filter.answer(number) == Answer.unknown, "\(number)")
        }
        // What a tracer writes to skip a call (ptrace(2)); killing would break strace's injection.
        #expect(try filter.answer(0xFFFF_FFFF) == Answer.unknown)
    }

    @Test func foreignABIsAreKilled() throws {
        for filter in [try Self.process(), try Self.place()] {
            var survivors: [UInt32] = []
            for number in UInt32(0)..<1024 {
                for architecture in [BPFEvaluator.i386, BPFEvaluator.aarch64, 0, UInt32.max]
                where try filter.answer(number, architecture: architecture) != Answer.kill { survivors.append(number) }
                if try filter.answer(number | 0x4000_0000) != Answer.kill { survivors.append(number | 0x4000_0000) }
            }
            for number: UInt32 in [0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE]
            where try filter.answer(number) != Answer.kill { survivors.append(number) }
            #expect(survivors.isEmpty)
        }
    }

    @Test(arguments: [[]] + SyscallGroup.removableNames.map { [$0] } + [SyscallGroup.removableNames])
    func processFilterIsTheTable(without: [String]) throws {
        var decisions: [String: SyscallDecision] = [:]
        for group in SyscallGroup.all {
            for rule in group.calls { decisions[rule.name] = group.decision(for: rule, without: Set(without)) }
        }
        try expect(Self.process(without: without), toBe: decisions, otherwise: .unknown)
    }

    @Test func placeFilterIsTheTable() throws {
        var decisions: [String: SyscallDecision] = [:]
        for group in SyscallGroup.all where group.inPlaceFilter {
            for rule in group.calls { decisions[rule.name] = group.decision(for: rule, without: []) }
        }
        for (rule, decision) in SeccompFilters.placeExtras { decisions[rule.name] = decision }
        try expect(Self.place(), toBe: decisions, otherwise: .allow)
    }

    /// What libseccomp made and what was made of it give the same answers, also where the table is not asked.
    @Test func compactionChangesNoAnswer() throws {
        let compiler = try SeccompCompiler(defaultAnswer: .unknown)
        for group in SyscallGroup.all {
            for rule in group.calls { try compiler.add(rule, group.decision(for: rule, without: [])) }
        }
        let before = BPFEvaluator(program: try compiler.exported())
        let after = BPFEvaluator(program: try FilterAssembler.compacted(before.program))
        #expect(after.program.instructions.count < before.program.instructions.count / 2)
        var random = SystemRandomNumberGenerator()
        var differences: [String] = []
        for round in 0..<8 {
            let arguments: [UInt64] = (0..<6).map { _ in
                round == 0
                    ? 0 : UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64.random(in: 0..<64, using: &random)
            }
            for number in UInt32(0)..<1024 where try before.answer(number, arguments) != after.answer(number, arguments)
            {
                differences.append("\(number)\(arguments)")
            }
        }
        #expect(differences.isEmpty)
    }

    /// One expectation for all calls: hundreds of thousands of them would take minutes.
    private func expect(
        _ filter: BPFEvaluator,
        toBe decisions: [String: SyscallDecision],
        otherwise: SyscallAnswer
    ) throws {
        var differences: [String] = []
        var names: [UInt32: String] = [:]
        for (name, number) in SyscallTable.numbers { names[number] = name }
        for number in UInt32(0)..<1024 {
            let decision = names[number].flatMap { decisions[$0] } ?? .answer(otherwise)
            for arguments in Arguments.all(for: decision) {
                let found = try filter.answer(number, arguments), wanted = decision.answer(arguments).word
                if found != wanted { differences.append("\(number)\(arguments): \(found), not \(wanted)") }
            }
        }
        #expect(differences.isEmpty)
    }

    @Test func placeLeavesPidOneItsWork() throws {
        let filter = try Self.place()
        let needed = [
            "clone", "fork", "vfork", "execve", "execveat", "wait4", "waitid", "kill", "poll", "ppoll", "recvmsg",
            "sendmsg",
            "signalfd4", "timerfd_create", "timerfd_settime", "prctl", "seccomp", "landlock_create_ruleset",
            "landlock_add_rule", "landlock_restrict_self", "prlimit64", "setsid", "dup3", "fchdir", "chdir",
            "close_range",
            "openat", "exit", "exit_group", "read", "write", "close", "rt_sigprocmask", "rt_sigaction", "umask",
            "setpriority",
            "openat2", "ioctl", "fcntl", "mmap", "munmap", "epoll_pwait", "pidfd_open", "pidfd_send_signal",
        ]
        for name in needed { #expect(try filter.answer(try SyscallTable.number(name)) == Answer.allow, "\(name)") }
    }

    /// The kernel runs a filter for every number when it is installed, so length is launch time.
    @Test func programsAreShort() throws {
        for (filter, most, deepest) in [(try Self.process(), 380, 52), (try Self.place(), 100, 20)] {
            #expect(filter.program.instructions.count <= most)
            for number in UInt32(0)..<512 {
                let steps = try filter.run(BPFEvaluator.Call(number: number)).steps
                #expect(steps <= deepest, "\(number): \(steps) steps")
            }
        }
    }
}

/// Arguments that a decision can tell apart, and some that it must not.
enum Arguments {
    static func all(for decision: SyscallDecision) -> [[UInt64]] {
        let values = candidates(decision)
        var lists: [[UInt64]] = [[0, 0, 0, 0, 0, 0]]
        for (argument, candidates) in values {
            lists = lists.flatMap { list in
                candidates.map { value in
                    var changed = list
                    changed[Int(argument)] = value
                    return changed
                }
            }
        }
        return lists + lists.map { $0.map { $0 | 0xFFFF_FFFF_0000_0000 } } + lists.map { $0.map { $0 | 1 << 32 } }
    }

    private static func candidates(_ decision: SyscallDecision) -> [UInt32: Set<UInt64>] {
        guard case .field(let argument, let mask, let cases, let otherwise) = decision else { return [:] }
        var found: [UInt32: Set<UInt64>] = [:]
        let listed = Set(cases.flatMap(\.values))
        var values = listed.union([0, 1, mask, ~mask, 0x5A5A_5A5A, UInt32.max])
        // All bits of a narrow field, some of a wide one: the arguments of socket(2) multiply.
        let positions = mask.nonzeroBitCount > 16 ? [0, 1, 7, 15, 16, 31] : Array(0..<32)
        for bit in positions.map({ UInt32(1) << UInt32($0) }) where mask & bit != 0 {
            values.insert(bit)
            // What lies one bit beside a listed value; too many for the calls with long lists.
            if listed.count < 8 { values.formUnion(listed.map { $0 ^ bit }) }
        }
        // Bits that the field does not cover must not matter.
        if listed.count < 8 { values.formUnion(listed.map { $0 | (0x00A5_00A5 & ~mask) }) }
        found[argument] = Set(values.map(UInt64.init))
        for next in cases.map(\.decision) + [otherwise] {
            found.merge(candidates(next)) { $0.union($1) }
        }
        return found
    }
}
