import SandboxPlan

/// What a seccomp program answers, taken apart into equality tests.
///
/// Equal parts of the program share one node, so calls that are checked alike share their code afterwards.
struct FilterDecision {
    typealias NodeID = Int

    enum Node: Hashable {
        case answer(UInt32)
        /// `word at offset & mask == value`.
        case test(Field, value: UInt32, yes: NodeID, no: NodeID)
    }

    /// A part of one of the words of `struct seccomp_data`.
    struct Field: Hashable {
        var offset: UInt32
        var mask: UInt32
    }

    private(set) var nodes: [Node] = []
    /// Start of each range of numbers that share a node, ascending; the last reaches to 0x3FFFFFFF.
    private(set) var ranges: [(first: UInt32, node: NodeID)] = []
    /// What number -1 gets: a tracer writes it to skip a call.
    private(set) var skipped: NodeID = 0
    /// What a foreign ABI gets.
    private(set) var foreign: NodeID = 0

    private var interned: [Node: NodeID] = [:]
    private var memo: [State: NodeID] = [:]
    private let program: [BPFInstruction]

    static let x86_64: UInt32 = 0xC000_003E
    /// Numbers from here on up are taken to be all alike; checked against the program's constants.
    private static let end: UInt32 = 1024
    private static let x32: UInt32 = 0x4000_0000

    /// Takes a program apart that libseccomp made for x86_64.
    ///
    /// - Throws: `SeccompCompilerError` if the program has a shape that this does not know.
    init(_ program: SeccompProgram) throws(SeccompCompilerError) {
        self.program = program.instructions.map { BPFInstruction(word: $0) }
        for number in 0..<FilterDecision.end {
            let node = try leaf(number: number)
            if ranges.last?.node != node { ranges.append((number, node)) }
        }
        skipped = try leaf(number: UInt32.max)
        foreign = try leaf(number: FilterDecision.x32)
        for (number, architecture) in [
            (UInt32.max - 1, FilterDecision.x86_64), (0, 0x4000_0003), (UInt32.max, 0x4000_0003), (0, 0),
            (0, UInt32.max),
        ] where try leaf(number: number, architecture: architecture) != foreign {
            throw unknownShape("foreign ABIs are treated differently")
        }
    }

    private func unknownShape(_ reason: String) -> SeccompCompilerError {
        SeccompCompilerError(call: "compaction", subject: "the filter", reason: reason)
    }

    /// Runs the program with number and architecture known, up to the first look at an argument.
    private mutating func leaf(
        number: UInt32,
        architecture: UInt32 = FilterDecision.x86_64
    ) throws(SeccompCompilerError) -> NodeID {
        var accumulator: UInt32 = 0
        var holdsNumber = false
        var next = 0
        while program.indices.contains(next) {
            let instruction = program[next]
            if instruction.code == .load && instruction.constant >= 16 { return try node(State(next: next)) }
            next += 1
            switch instruction.code {
            case .load:
                guard instruction.constant == 0 || instruction.constant == 4 else {
                    throw unknownShape("it loads the word at \(instruction.constant)")
                }
                holdsNumber = instruction.constant == 0
                accumulator = holdsNumber ? number : architecture
            case .jumpIfEqual, .jumpIfGreaterOrEqual, .jumpIfGreater:
                // Numbers beyond `end` take the way of `end - 1` only if nothing distinguishes them.
                let known: Bool
                if holdsNumber {
                    known =
                        instruction.constant < FilterDecision.end - 1 || instruction.constant == FilterDecision.x32
                        || instruction.constant == UInt32.max
                } else {
                    known = instruction.constant == FilterDecision.x86_64
                }
                guard known else { throw unknownShape("it compares with \(instruction.constant)") }
                next += instruction.jumps(from: accumulator) ? instruction.ifTrue : instruction.ifFalse
            case .jump: next += Int(instruction.constant)
            case .answer: return intern(.answer(instruction.constant))
            case .and, nil: throw unknownShape("instruction \(next - 1) has an unexpected code")
            }
        }
        throw unknownShape("it runs past its end")
    }

    /// Where a walk through the argument checks stands.
    private struct State: Hashable {
        var next: Int
        var accumulator: Field?
        var facts: [UInt32: ArgumentFacts] = [:]
    }

    /// The tests from an instruction on, without those whose result is known.
    private mutating func node(_ state: State) throws(SeccompCompilerError) -> NodeID {
        if let known = memo[state] { return known }
        guard program.indices.contains(state.next) else { throw unknownShape("it runs past its end") }
        let instruction = program[state.next]
        var following = state
        following.next += 1
        let result: NodeID
        switch instruction.code {
        case .load:
            guard (16..<64).contains(instruction.constant) else {
                throw unknownShape("it loads the word at \(instruction.constant) after an argument")
            }
            following.accumulator = Field(offset: instruction.constant, mask: UInt32.max)
            result = try node(following)
        case .and:
            guard following.accumulator != nil else { throw unknownShape("it masks nothing") }
            following.accumulator?.mask &= instruction.constant
            result = try node(following)
        case .jump:
            following.next += Int(instruction.constant)
            result = try node(following)
        case .jumpIfEqual:
            guard let field = state.accumulator else { throw unknownShape("it tests nothing") }
            result = try test(instruction, field, following)
        case .answer:
            result = intern(.answer(instruction.constant))
        case .jumpIfGreater, .jumpIfGreaterOrEqual, nil:
            throw unknownShape("instruction \(state.next) has an unexpected code")
        }
        memo[state] = result
        return result
    }

    private mutating func test(
        _ instruction: BPFInstruction,
        _ field: Field,
        _ following: State
    ) throws(SeccompCompilerError) -> NodeID {
        let facts = following.facts[field.offset] ?? ArgumentFacts()
        let mask = field.mask, value = instruction.constant
        /// What follows one of the two ways, given facts.
        func way(_ holds: Bool, _ facts: ArgumentFacts) throws(SeccompCompilerError) -> NodeID {
            var way = following
            way.next += holds ? instruction.ifTrue : instruction.ifFalse
            way.facts[field.offset] = facts
            return try node(way)
        }
        if let known = facts.result(mask: mask, value: value) { return try way(known, facts) }
        let holding = facts.learning(mask: mask, value: value, holds: true)
        let failing = facts.learning(mask: mask, value: value, holds: false)
        let yes = try way(true, holding), no = try way(false, failing)
        if yes == no { return yes }
        // A test is of no use if the other way would come to the same end.
        if try way(false, holding) == yes { return try way(false, facts) }
        if try way(true, failing) == no { return try way(true, facts) }
        return join(field, value, yes: yes, no: no)
    }

    /// One test for several: of bits that all must be 0.
    private mutating func join(_ field: Field, _ value: UInt32, yes: NodeID, no: NodeID) -> NodeID {
        if field.mask.nonzeroBitCount == 1 && value == field.mask { return join(field, 0, yes: no, no: yes) }
        if value == 0, case .test(let next, value: 0, let nextYes, let nextNo) = nodes[yes],
            next.offset == field.offset,
            nextNo == no
        {
            let both = Field(offset: field.offset, mask: field.mask | next.mask)
            return intern(.test(both, value: 0, yes: nextYes, no: no))
        }
        return intern(.test(field, value: value, yes: yes, no: no))
    }

    private mutating func intern(_ node: Node) -> NodeID {
        if let known = interned[node] { return known }
        nodes.append(node)
        interned[node] = nodes.count - 1
        return nodes.count - 1
    }
}

/// What earlier tests have said about one word.
struct ArgumentFacts: Hashable {
    /// Bits that are 0, and bits that are 1.
    private var zeros: UInt32 = 0, ones: UInt32 = 0
    /// At least one of these bits is 1; 0 if nothing is known.
    private var some: UInt32 = 0

    /// Whether `word & mask == value`; nil if that is open.
    func result(mask: UInt32, value: UInt32) -> Bool? {
        if value & ~mask != 0 || zeros & mask & value != 0 || ones & mask & ~value != 0 { return false }
        if mask & ~(zeros | ones) == 0 { return true }
        if some != 0 && some & ~mask == 0 && value & some == 0 { return false }
        return nil
    }

    /// The facts after a test.
    func learning(mask: UInt32, value: UInt32, holds: Bool) -> ArgumentFacts {
        var facts = self
        let open = mask & ~(zeros | ones)
        if holds {
            facts.ones |= value
            facts.zeros |= mask & ~value
        } else if open.nonzeroBitCount == 1 && ones & mask == value & ~open {
            // All other bits agree, so this one does not.
            facts.ones |= open & ~value
            facts.zeros |= open & value
        } else if value == 0 && ones & mask == 0 {
            facts.some = mask
        }
        let left = facts.some & ~facts.zeros
        if left.nonzeroBitCount == 1 { facts.ones |= left }
        if facts.some & facts.ones != 0 { facts.some = 0 }
        return facts
    }
}
