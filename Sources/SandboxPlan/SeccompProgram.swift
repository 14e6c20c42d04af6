/// A classic BPF program for seccomp(2).
public struct SeccompProgram: Hashable, Sendable {
    /// `struct sock_filter` as one word each: code in bits 0…15, jt 16…23, jf 24…31, k 32…63 (little endian layout).
    public var instructions: [UInt64]

    public init(instructions: [UInt64]) {
        self.instructions = instructions
    }

    /// What a filter looks at: `struct seccomp_data`.
    public struct Call: Hashable, Sendable {
        public var number: Int32
        /// AUDIT_ARCH_….
        public var architecture: UInt32
        public var instructionPointer: UInt64
        /// Six.
        public var arguments: [UInt64]

        public init(number: Int32, architecture: UInt32, instructionPointer: UInt64, arguments: [UInt64]) {
            self.number = number
            self.architecture = architecture
            self.instructionPointer = instructionPointer
            self.arguments = arguments
        }

        /// The 32 bits at an offset of the structure; nil beyond it.
        fileprivate func word(at offset: UInt32) -> UInt32? {
            switch offset {
            case 0: return UInt32(bitPattern: number)
            case 4: return architecture
            case 8: return UInt32(truncatingIfNeeded: instructionPointer)
            case 12: return UInt32(truncatingIfNeeded: instructionPointer >> 32)
            case 16..<64 where offset % 4 == 0:
                let index = Int(offset - 16) / 8
                guard arguments.indices.contains(index) else { return nil }
                return UInt32(truncatingIfNeeded: arguments[index] >> (offset % 8 == 0 ? 0 : 32))
            default: return nil
            }
        }
    }

    /// The program's return value for a call (seccomp(2), SECCOMP_RET_…); nil for a program that uses anything but what
    /// `PolicyCompiler` writes, or runs past its end.
    public func answer(to call: Call) -> UInt32? {
        var accumulator: UInt32 = 0
        var next = 0
        while instructions.indices.contains(next) {
            let word = instructions[next]
            let constant = UInt32(truncatingIfNeeded: word >> 32)
            let holds: Bool
            next += 1
            switch UInt16(truncatingIfNeeded: word) {
            case 0x06: return constant
            case 0x20:
                guard let loaded = call.word(at: constant) else { return nil }
                accumulator = loaded
                continue
            case 0x54:
                accumulator &= constant
                continue
            case 0x05:
                next += Int(constant)
                continue
            case 0x15: holds = accumulator == constant
            case 0x25: holds = accumulator > constant
            case 0x35: holds = accumulator >= constant
            default: return nil
            }
            next += Int(UInt8(truncatingIfNeeded: word >> (holds ? 16 : 24)))
        }
        return nil
    }

    /// The error of a return value that refuses a call with one: SECCOMP_RET_ERRNO.
    public static func errno(of answer: UInt32) -> Int32? {
        guard answer & 0xFFFF_0000 == refuses else { return nil }
        // MAX_ERRNO: the kernel takes no larger one.
        return Int32(min(answer & 0xFFFF, 4095))
    }

    /// A look at one argument of a call, of which the lower half counts, but for a pointer.
    public struct ArgumentRule: Hashable, Sendable {
        public var number: UInt32
        /// 0 to 5.
        public var argument: UInt32
        public var mask: UInt32
        public var values: [UInt32]
        /// Whether these values are let through and all others refused, or the other way round.
        public var lets: Bool
        /// Whether any bit in the upper half is another value.
        public var isPointer: Bool

        public init(
            _ number: UInt32,
            argument: UInt32,
            mask: UInt32 = .max,
            values: [UInt32],
            lets: Bool,
            isPointer: Bool = false
        ) {
            self.number = number
            self.argument = argument
            self.mask = mask
            self.values = values
            self.lets = lets
            self.isPointer = isPointer
        }

        fileprivate var length: Int { (isPointer ? 3 : 0) + (mask == .max ? 1 : 2) + values.count + 1 }
    }

    /// The same program behind a shorter one that answers EPERM to some calls.
    ///
    /// - Parameters:
    ///   - numbers: calls that are refused.
    ///   - rules: calls that are refused by an argument.
    ///   - unsupported: calls that are answered EOPNOTSUPP.
    /// - Returns: one program: jumps are relative, so what stands before it changes nothing in it.
    public func refusing(
        _ numbers: [UInt32],
        _ rules: [ArgumentRule],
        unsupported: [UInt32] = []
    ) -> SeccompProgram {
        typealias Word = SeccompProgram
        // Architecture and number, a comparison for each call, the way out, a block for each rule, the two refusals.
        let header = 4
        let onward = header + numbers.count + unsupported.count + rules.count
        var blocks: [Int] = []
        var next = onward + 1
        for rule in rules {
            blocks.append(next)
            next += rule.length
        }
        let refuse = next, lack = next + 1, end = next + 2
        precondition(end - header <= 250, "a conditional jump reaches 255 instructions")
        var words: [UInt64] = []
        /// A jump from the next instruction.
        func distance(to target: Int) -> Int { target - words.count - 1 }
        words.append(Word.word(0x20, 4))
        words.append(Word.word(0x15, Word.x86_64, ifTrue: 1))
        words.append(Word.word(0x05, UInt32(distance(to: end))))
        words.append(Word.word(0x20, 0))
        for number in numbers { words.append(Word.word(0x15, number, ifTrue: distance(to: refuse))) }
        for number in unsupported { words.append(Word.word(0x15, number, ifTrue: distance(to: lack))) }
        for (rule, block) in zip(rules, blocks) {
            words.append(Word.word(0x15, rule.number, ifTrue: distance(to: block)))
        }
        words.append(Word.word(0x05, UInt32(distance(to: end))))
        for rule in rules {
            if rule.isPointer {
                words.append(Word.word(0x20, 20 + 8 * rule.argument))
                words.append(Word.word(0x15, 0, ifTrue: 1))
                words.append(Word.word(0x05, UInt32(distance(to: rule.lets ? refuse : end))))
            }
            words.append(Word.word(0x20, 16 + 8 * rule.argument))
            if rule.mask != .max { words.append(Word.word(0x54, rule.mask)) }
            for value in rule.values {
                words.append(Word.word(0x15, value, ifTrue: distance(to: rule.lets ? end : refuse)))
            }
            words.append(Word.word(0x05, UInt32(distance(to: rule.lets ? refuse : end))))
        }
        words.append(Word.word(0x06, Word.refuses | 1))
        // EOPNOTSUPP.
        words.append(Word.word(0x06, Word.refuses | 95))
        return SeccompProgram(instructions: words + instructions)
    }

    /// The same program, but where it refuses with an error, the listener is asked: SECCOMP_RET_USER_NOTIF.
    ///
    /// What ends the process ends it all the same. Number -1, which a tracer writes to skip a call, is answered ENOSYS without
    /// a question: an interrupted question is one to be asked again, and the kernel does not do that for this number.
    public var asking: SeccompProgram {
        let asking = instructions.map { word in
            let refusing =
                UInt16(truncatingIfNeeded: word) == 0x06
                && UInt32(truncatingIfNeeded: word >> 32) & 0xFFFF_0000 == SeccompProgram.refuses
            return refusing ? word & 0xFFFF_FFFF | UInt64(SeccompProgram.asks) << 32 : word
        }
        typealias Word = SeccompProgram
        let skipped = [
            Word.word(0x20, 4), Word.word(0x15, Word.x86_64, ifFalse: 3), Word.word(0x20, 0),
            Word.word(0x15, UInt32.max, ifFalse: 1), Word.word(0x06, Word.refuses | 38),
        ]
        return SeccompProgram(instructions: skipped + asking)
    }

    private static func word(_ code: UInt16, _ constant: UInt32, ifTrue: Int = 0, ifFalse: Int = 0) -> UInt64 {
        UInt64(code) | UInt64(ifTrue) << 16 | UInt64(ifFalse) << 24 | UInt64(constant) << 32
    }

    /// AUDIT_ARCH_X86_64.
    private static let x86_64: UInt32 = 0xC000_003E

    private static let refuses: UInt32 = 0x0005_0000
    private static let asks: UInt32 = 0x7FC0_0000
}
