/// One instruction of a classic BPF program, `struct sock_filter` (linux/filter.h).
struct BPFInstruction: Hashable {
    enum Code: UInt16 {
        /// Loads the word at an offset of `struct seccomp_data`.
        case load = 0x20
        case and = 0x54
        case jump = 0x05
        case jumpIfEqual = 0x15
        case jumpIfGreater = 0x25
        case jumpIfGreaterOrEqual = 0x35
        case answer = 0x06
    }

    /// Nil for a code that libseccomp does not use.
    var code: Code?
    var ifTrue: Int
    var ifFalse: Int
    var constant: UInt32

    init(_ code: Code, _ constant: UInt32, ifTrue: Int = 0, ifFalse: Int = 0) {
        self.code = code
        self.constant = constant
        self.ifTrue = ifTrue
        self.ifFalse = ifFalse
    }

    init(word: UInt64) {
        code = Code(rawValue: UInt16(truncatingIfNeeded: word))
        ifTrue = Int(UInt8(truncatingIfNeeded: word >> 16))
        ifFalse = Int(UInt8(truncatingIfNeeded: word >> 24))
        constant = UInt32(truncatingIfNeeded: word >> 32)
    }

    /// Whether a conditional jump takes its true way.
    func jumps(from accumulator: UInt32) -> Bool {
        switch code {
        case .jumpIfEqual: accumulator == constant
        case .jumpIfGreater: accumulator > constant
        case .jumpIfGreaterOrEqual: accumulator >= constant
        case .load, .and, .jump, .answer, nil: false
        }
    }
}
