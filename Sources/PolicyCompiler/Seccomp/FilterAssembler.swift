import SandboxPlan

/// Writes a filter's decisions down again: a binary search over ranges of numbers, then one shared block for each way of
/// looking at arguments.
///
/// The kernel runs a new filter once for every number there is (launch time), and translates every instruction. A third
/// of libseccomp's instructions look at halves of arguments that cannot matter, and each call has its own copy.
struct FilterAssembler {
    private typealias Label = Int
    private typealias Range = (first: UInt32, node: FilterDecision.NodeID)

    /// One instruction, its targets still open.
    private enum Item {
        case plain(BPFInstruction)
        case branch(BPFInstruction.Code, UInt32, yes: Label, no: Label)
        case jump(Label)
    }

    private let decision: FilterDecision
    private var items: [Item] = []
    /// Position of each label.
    private var positions: [Label: Int] = [:]
    private var labels = 0
    /// Label of the block of each node.
    private var blocks: [FilterDecision.NodeID: Label] = [:]

    /// The program that gives the same answers.
    ///
    /// - Throws: `SeccompCompilerError` if a conditional jump would be longer than 255 instructions.
    static func compacted(_ program: SeccompProgram) throws(SeccompCompilerError) -> SeccompProgram {
        var assembler = FilterAssembler(decision: try FilterDecision(program))
        assembler.header()
        assembler.search(assembler.decision.ranges[...])
        for node in assembler.blockOrder() { assembler.block(node) }
        return try assembler.program()
    }

    private init(decision: FilterDecision) {
        self.decision = decision
    }

    private mutating func label() -> Label {
        labels += 1
        return labels
    }

    private mutating func place(_ label: Label) { positions[label] = items.count }

    /// Architecture first (threat: the same number means another call elsewhere), then x32.
    private mutating func header() {
        let ours = label(), foreign = label(), large = label(), skipped = label(), start = label()
        items.append(.plain(BPFInstruction(.load, 4)))
        items.append(.branch(.jumpIfEqual, FilterDecision.x86_64, yes: ours, no: foreign))
        place(ours)
        items.append(.plain(BPFInstruction(.load, 0)))
        items.append(.branch(.jumpIfGreaterOrEqual, 0x4000_0000, yes: large, no: start))
        place(large)
        items.append(.branch(.jumpIfEqual, UInt32.max, yes: skipped, no: foreign))
        place(skipped)
        leave(to: decision.skipped)
        place(foreign)
        leave(to: decision.foreign)
        place(start)
    }

    private mutating func search(_ ranges: ArraySlice<Range>) {
        if let (singles, others) = exceptions(ranges) {
            chain(singles.map { ($0.first, $0.node) }, last: others)
            return
        }
        let middle = ranges.startIndex + ranges.count / 2
        let left = label(), right = label()
        items.append(.branch(.jumpIfGreaterOrEqual, ranges[middle].first, yes: right, no: left))
        place(left)
        search(ranges[..<middle])
        place(right)
        search(ranges[middle...])
    }

    /// At most four single numbers that differ from what all the others get; nil if it is not so.
    private func exceptions(_ ranges: ArraySlice<Range>) -> (singles: ArraySlice<Range>, others: FilterDecision.NodeID)?
    {
        var others: FilterDecision.NodeID?
        var singles: ArraySlice<Range> = []
        for index in ranges.indices {
            let isSingle =
                index + 1 < decision.ranges.count && decision.ranges[index + 1].first == ranges[index].first + 1
            if ranges[index].node == others { continue }
            if isSingle && ranges.count > 1 {
                singles.append(ranges[index])
            } else if others == nil {
                others = ranges[index].node
            } else {
                return nil
            }
        }
        singles.removeAll { $0.node == others }
        guard let others, singles.count <= 4 else { return nil }
        return (singles, others)
    }

    /// Ends a way: with an answer, or with a jump to the block that goes on.
    private mutating func leave(to node: FilterDecision.NodeID) {
        switch decision.nodes[node] {
        case .answer(let word): items.append(.plain(BPFInstruction(.answer, word)))
        case .test: items.append(.jump(blockLabel(node)))
        }
    }

    private mutating func blockLabel(_ node: FilterDecision.NodeID) -> Label {
        if let known = blocks[node] { return known }
        let new = label()
        blocks[node] = new
        return new
    }

    /// Every test that a block starts with, before the ones it jumps to: BPF jumps forward only.
    private func blockOrder() -> [FilterDecision.NodeID] {
        var order: [FilterDecision.NodeID] = []
        var seen: Set<FilterDecision.NodeID> = []
        func visit(_ node: FilterDecision.NodeID) {
            guard case .test = decision.nodes[node], seen.insert(node).inserted else { return }
            for exit in chain(node).exits { visit(exit) }
            order.append(node)
        }
        for range in decision.ranges { visit(range.node) }
        visit(decision.skipped)
        visit(decision.foreign)
        return order.reversed()
    }

    /// Tests of one field in a row, and where they lead.
    private func chain(
        _ first: FilterDecision.NodeID
    ) -> (
        field: FilterDecision.Field?, tests: [(value: UInt32, yes: FilterDecision.NodeID)], last: FilterDecision.NodeID,
        exits: [FilterDecision.NodeID]
    ) {
        var field: FilterDecision.Field?
        var tests: [(value: UInt32, yes: FilterDecision.NodeID)] = []
        var next = first
        while case .test(let tested, let value, let yes, let no) = decision.nodes[next], field == nil || field == tested
        {
            field = tested
            tests.append((value, yes))
            next = no
        }
        var exits: [FilterDecision.NodeID] = []
        for node in tests.map(\.yes) + [next] where !exits.contains(node) { exits.append(node) }
        return (field, tests, next, exits)
    }

    private mutating func block(_ node: FilterDecision.NodeID) {
        place(blockLabel(node))
        let chain = chain(node)
        guard let field = chain.field else { return }
        items.append(.plain(BPFInstruction(.load, field.offset)))
        if field.mask != UInt32.max { items.append(.plain(BPFInstruction(.and, field.mask))) }
        self.chain(chain.tests, last: chain.last)
    }

    /// Compares what is loaded with one value after the other.
    ///
    /// Each exit stands directly behind, so that no conditional jump is long.
    private mutating func chain(_ tests: [(value: UInt32, yes: FilterDecision.NodeID)], last: FilterDecision.NodeID) {
        var exits: [(node: FilterDecision.NodeID, label: Label)] = []
        func exit(_ node: FilterDecision.NodeID) -> Label {
            if let known = exits.first(where: { $0.node == node }) { return known.label }
            exits.append((node, label()))
            return exits[exits.count - 1].label
        }
        for (index, test) in tests.enumerated() {
            let yes = exit(test.yes)
            let no = index == tests.count - 1 ? exit(last) : label()
            items.append(.branch(.jumpIfEqual, test.value, yes: yes, no: no))
            if index < tests.count - 1 { place(no) }
        }
        if tests.isEmpty { leave(to: last) }
        for (node, label) in exits {
            place(label)
            leave(to: node)
        }
    }

    private func program() throws(SeccompCompilerError) -> SeccompProgram {
        var words: [UInt64] = []
        for (index, item) in items.enumerated() {
            switch item {
            case .plain(let instruction):
                words.append(instruction.word)
            case .jump(let target):
                let distance = try distance(from: index, to: target, most: Int(UInt32.max))
                words.append(BPFInstruction(.jump, UInt32(distance)).word)
            case .branch(let code, let constant, let yes, let no):
                let ifTrue = try distance(from: index, to: yes, most: 255)
                let ifFalse = try distance(from: index, to: no, most: 255)
                words.append(BPFInstruction(code, constant, ifTrue: ifTrue, ifFalse: ifFalse).word)
            }
        }
        return SeccompProgram(instructions: words)
    }

    private func distance(from index: Int, to target: Label, most: Int) throws(SeccompCompilerError) -> Int {
        guard let position = positions[target], (0...most).contains(position - index - 1) else {
            throw SeccompCompilerError(call: "compaction", subject: "the filter", reason: "a jump is too long")
        }
        return position - index - 1
    }
}

extension BPFInstruction {
    /// `struct sock_filter` as one word.
    var word: UInt64 {
        UInt64(code?.rawValue ?? 0) | UInt64(ifTrue) << 16 | UInt64(ifFalse) << 24 | UInt64(constant) << 32
    }
}
