/// A decision as libseccomp takes it: rules that each compare some arguments and give one answer.
extension SyscallDecision {
    /// `argument & mask == value`.
    struct Test: Hashable {
        var argument: UInt32
        var mask: UInt32
        var value: UInt32
    }

    struct Path: Hashable {
        var tests: [Test]
        var answer: SyscallAnswer
    }

    /// Every way through the tree.
    ///
    /// libseccomp has no "otherwise", and drops a comparison that is always true together with its precedence. So what
    /// is not listed is spelled out: as "one of these bits is set" when the only listed value is 0, else as "the lowest
    /// bit of the mask is 0, or 1", which libseccomp asks after the narrower comparisons. Tests hold the compiled program
    /// to `answer(_:)`.
    func paths() -> [Path] {
        guard case .field(let argument, let mask, let cases, let otherwise) = self else {
            if case .answer(let answer) = self { return [Path(tests: [], answer: answer)] }
            return []
        }
        var paths: [Path] = []
        for entry in cases {
            for value in entry.values {
                paths += entry.decision.paths(after: Test(argument: argument, mask: mask, value: value))
            }
        }
        let listed = cases.flatMap(\.values)
        for test in SyscallDecision.complement(of: listed, argument: argument, mask: mask) {
            paths += otherwise.paths(after: test)
        }
        return paths
    }

    private func paths(after test: Test) -> [Path] {
        paths().map { Path(tests: [test] + $0.tests, answer: $0.answer) }
    }

    private static func complement(of listed: [UInt32], argument: UInt32, mask: UInt32) -> [Test] {
        let bits = (0..<32).map { UInt32(1) << UInt32($0) }.filter { mask & $0 != 0 }
        if listed == [0] && bits.count <= 8 {
            return bits.map { Test(argument: argument, mask: $0, value: $0) }
        }
        return [0, bits[0]].map { Test(argument: argument, mask: bits[0], value: $0) }
    }
}
