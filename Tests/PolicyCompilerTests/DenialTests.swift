import SandboxPlan
import SandboxPolicy
import Testing

@testable import PolicyCompiler

/// What `--report-denials` relies on: the supervisor's reading of a filter is the kernel's, and one filter is enough.
@Suite struct DenialTests {
    /// Every number with every way its arguments are looked at, and the answers of both programs.
    private func forEachCall(_ body: (UInt32, [UInt64]) throws -> Void) throws {
        var decisions: [UInt32: SyscallDecision] = [:]
        for group in SyscallGroup.all {
            for rule in group.calls {
                decisions[UInt32(try SeccompCompiler.number(of: rule))] = group.decision(for: rule, without: [])
            }
        }
        for number in UInt32(0)..<1024 {
            for arguments in Arguments.all(for: decisions[number] ?? .answer(.unknown)) { try body(number, arguments) }
        }
    }

    private func call(_ number: UInt32, _ arguments: [UInt64], architecture: UInt32 = BPFEvaluator.x86_64)
        -> SeccompProgram.Call
    {
        SeccompProgram.Call(
            number: Int32(bitPattern: number),
            architecture: architecture,
            instructionPointer: 0x7FFF_1234_5678,
            arguments: arguments
        )
    }

    @Test func theSupervisorGivesTheFiltersAnswers() throws {
        let filter = try SeccompFilterTests.process()
        let asking = filter.program.asking
        let kernel = BPFEvaluator(program: asking)
        var differences: [String] = []
        var refused = 0
        try forEachCall { number, arguments in
            let answer = try filter.answer(number, arguments)
            if filter.program.answer(to: call(number, arguments)) != answer {
                differences.append("\(number)\(arguments)")
            }
            let asked = try kernel.answer(number, arguments)
            let isRefused = SeccompProgram.errno(of: answer) != nil
            if isRefused { refused += 1 }
            if asked != (isRefused ? 0x7FC0_0000 : answer) { differences.append("asking \(number)\(arguments)") }
        }
        #expect(differences.isEmpty)
        #expect(refused > 1000)
        for architecture in [BPFEvaluator.i386, BPFEvaluator.aarch64] {
            #expect(filter.program.answer(to: call(1, [0, 0, 0, 0, 0, 0], architecture: architecture)) == Answer.kill)
            #expect(try kernel.answer(1, architecture: architecture) == Answer.kill)
        }
    }

    /// A process that is made before the place's filter has its own alone.
    @Test func theProcessFilterRefusesWhatThePlaceFilterDoes() throws {
        let place = try SeccompFilterTests.place()
        let process = try SeccompFilterTests.process()
        var weaker: [String] = []
        var refused = 0
        try forEachCall { number, arguments in
            let outer = try place.answer(number, arguments)
            if outer == Answer.allow { return }
            refused += 1
            let inner = try process.answer(number, arguments)
            // The lower word is the stricter one, but for the error's own number.
            if inner == Answer.allow || inner & 0xFFFF_0000 > outer & 0xFFFF_0000 {
                weaker.append("\(number)\(arguments): \(inner), not \(outer)")
            }
        }
        #expect(weaker.isEmpty)
        #expect(refused > 40)
    }

    /// The whole range of numbers and ABIs, and what a policy may leave out.
    @Test(arguments: [[], ["debug"], SyscallGroup.removableNames])
    func oneFilterIsEnoughForEveryNumber(without: [String]) throws {
        let place = try SeccompFilterTests.place()
        let process = try SeccompFilterTests.process(without: without)
        let asking = BPFEvaluator(program: process.program.asking)
        var numbers: [UInt32] = Array(0..<4096)
        numbers += (0..<4096).map { $0 | 0x4000_0000 }
        numbers += [0x3FFF_FFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF]
        var wrong: [String] = []
        for architecture in [BPFEvaluator.x86_64, BPFEvaluator.i386, BPFEvaluator.aarch64, 0] {
            for number in numbers {
                let outer = try place.answer(number, architecture: architecture)
                let inner = try process.answer(number, architecture: architecture)
                if outer != Answer.allow && inner & 0xFFFF_0000 > outer & 0xFFFF_0000 { wrong.append("\(number)") }
                let asked = try asking.answer(number, architecture: architecture)
                let isAsked = inner & 0xFFFF_0000 == 0x0005_0000 && number != UInt32.max
                if asked != (isAsked ? 0x7FC0_0000 : inner) { wrong.append("asked \(number)") }
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test func aNarrowerFilterRefusesMoreAndNothingElse() throws {
        let filter = try SeccompFilterTests.process()
        let refused: [UInt32] = [41, 141, 251, 29]
        typealias Rule = SeccompProgram.ArgumentRule
        let rules = [
            Rule(302, argument: 0, values: [0], lets: true), Rule(203, argument: 0, values: [0], lets: true),
            Rule(53, argument: 1, mask: 0xF, values: [1, 5], lets: true),
            Rule(72, argument: 1, values: [1024, 1026], lets: false),
            Rule(280, argument: 1, values: [0], lets: true, isPointer: true),
        ]
        let narrow = BPFEvaluator(program: filter.program.refusing(refused, rules))
        var wrong: [String] = []
        try forEachCall { number, arguments in
            let answer = try narrow.answer(number, arguments)
            var isRefused = refused.contains(number)
            for rule in rules where rule.number == number {
                let argument = arguments[Int(rule.argument)]
                let isListed =
                    rule.values.contains(UInt32(truncatingIfNeeded: argument) & rule.mask)
                    && !(rule.isPointer && argument >> 32 != 0)
                isRefused = isListed != rule.lets
            }
            let wanted = try isRefused ? Answer.permission : filter.answer(number, arguments)
            if answer != wanted { wrong.append("\(number)\(arguments)") }
        }
        #expect(wrong.isEmpty)
        #expect(try narrow.answer(302, [7, 0, 0, 0, 0, 0]) == Answer.permission)
        #expect(try narrow.answer(302, [0, 7, 0, 0, 0, 0]) == Answer.allow)
        #expect(try narrow.answer(53, [1, 2, 0]) == Answer.permission)
        #expect(try narrow.answer(53, [1, 0x80001, 0]) == Answer.allow)
        #expect(try narrow.answer(72, [3, 1024, 0]) == Answer.permission)
        #expect(try narrow.answer(72, [3, 1, 0]) == Answer.allow)
        #expect(try narrow.answer(280, [3, 0, 0, 0]) == Answer.allow)
        #expect(try narrow.answer(280, [3, 1 << 32, 0, 0]) == Answer.permission)
        #expect(try narrow.answer(280, [3, 4096, 0, 0]) == Answer.permission)
        for architecture in [BPFEvaluator.i386, BPFEvaluator.aarch64] {
            for number: UInt32 in [0, 41, 302] {
                #expect(try narrow.answer(number, architecture: architecture) == Answer.kill)
            }
        }
        let none = BPFEvaluator(program: filter.program.refusing([], []))
        #expect(try none.answer(41, [1, 1, 0]) == filter.answer(41, [1, 1, 0]))
    }

    @Test func theGroupsThatCanBeLeftOutAreTheTables() {
        #expect(SystemCalls.removableGroups == SyscallGroup.removableNames.sorted())
    }

    @Test func whatIsNoProgramHasNoAnswer() {
        let read = call(0, [0, 0, 0, 0, 0, 0])
        for words: [UInt64] in [[], [0x20 | 64 << 32], [0x20 | 2 << 32], [0x99], [0x05 | 7 << 32], [0x15 | 9 << 16]] {
            #expect(SeccompProgram(instructions: words).answer(to: read) == nil, "\(words)")
        }
        #expect(SeccompProgram.errno(of: 0x0005_FFFF) == 4095)
        #expect(SeccompProgram.errno(of: Answer.allow) == nil)
    }

    @Test func theListOfSystemCallsIsTheTable() throws {
        var wanted: Set<SystemCalls.Entry> = []
        for group in SyscallGroup.all {
            for rule in group.calls {
                wanted.insert(
                    SystemCalls.Entry(number: try SeccompCompiler.number(of: rule), name: rule.name, group: group.name)
                )
            }
        }
        #expect(Set(SystemCalls.entries) == wanted)
        #expect(SystemCalls.entries.count == wanted.count)
    }

    @Test func onlyWhatAPolicyLeavesOutHasAKey() {
        func key(_ number: Int32, _ argument: UInt64? = nil, without: [String]) -> PolicyKey? {
            SystemCalls.key(of: DeniedCall(number: number, errno: 1, argument: argument, count: 1), without: without)
        }
        #expect(key(101, without: ["debug"]) == .without)
        #expect(key(101, without: []) == nil)
        #expect(key(165, without: ["debug"]) == nil)
        #expect(key(41, 2, without: ["internet-sockets"]) == .without)
        #expect(key(41, 17, without: ["internet-sockets"]) == nil)
        #expect(key(9999, without: SyscallGroup.removableNames) == nil)
    }

    @Test func kindsAreBounded() {
        var denials = Denials()
        for number in Int32(0)..<200 {
            for _ in 0..<3 { denials.add(number: number, errno: 1, argument: nil) }
        }
        denials.add(number: 5, errno: 38, argument: nil)
        #expect(denials.calls.count == Denials.most)
        var variants = Denials()
        for argument in UInt64(0)..<100 { variants.add(number: 16, errno: 1, argument: argument) }
        #expect(variants.calls.count == Denials.mostOfOneNumber && variants.others == 84)
        #expect(denials.calls.allSatisfy { $0.count == 3 })
        #expect(denials.others == 72 * 3 + 1)
    }
}
