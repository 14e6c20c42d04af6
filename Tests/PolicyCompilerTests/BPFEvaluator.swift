import SandboxPlan

/// Runs a seccomp program the way the kernel does: classic BPF over `struct seccomp_data`.
struct BPFEvaluator {
    static let x86_64: UInt32 = 0xC000_003E
    static let i386: UInt32 = 0x4000_0003
    static let aarch64: UInt32 = 0xC000_00B7

    enum Fault: Error, Equatable {
        case unknownInstruction(UInt16, at: Int)
        case jumpOut(from: Int)
        case load(offset: UInt32, at: Int)
    }

    /// `struct seccomp_data`: nr, arch, instruction pointer, six arguments.
    struct Call {
        var number: UInt32
        var architecture = BPFEvaluator.x86_64
        var arguments: [UInt64] = [0, 0, 0, 0, 0, 0]

        func word(at offset: UInt32) -> UInt32? {
            guard offset % 4 == 0 else { return nil }
            switch offset {
            case 0: return number
            case 4: return architecture
            case 8, 12: return 0
            case 16..<64:
                let argument = arguments[Int(offset - 16) / 8]
                return UInt32(truncatingIfNeeded: offset % 8 == 0 ? argument : argument >> 32)
            default: return nil
            }
        }
    }

    let program: SeccompProgram
    private let instructions: [(code: UInt16, ifTrue: Int, ifFalse: Int, constant: UInt32)]

    init(program: SeccompProgram) {
        self.program = program
        instructions = program.instructions.map { word in
            (
                UInt16(truncatingIfNeeded: word), Int(UInt8(truncatingIfNeeded: word >> 16)),
                Int(UInt8(truncatingIfNeeded: word >> 24)), UInt32(truncatingIfNeeded: word >> 32)
            )
        }
    }

    /// The program's return value, and how many instructions it took.
    func run(_ call: Call) throws -> (result: UInt32, steps: Int) {
        var accumulator: UInt32 = 0
        var next = 0
        var steps = 0
        while true {
            guard next < instructions.count else { throw Fault.jumpOut(from: next) }
            let (code, ifTrue, ifFalse, constant) = instructions[next]
            steps += 1
            next += 1
            switch code {
            case 0x20:
                guard let loaded = call.word(at: constant) else { throw Fault.load(offset: constant, at: next - 1) }
                accumulator = loaded
            case 0x05: next += Int(constant)
            case 0x15: next += accumulator == constant ? ifTrue : ifFalse
            case 0x25: next += accumulator > constant ? ifTrue : ifFalse
            case 0x35: next += accumulator >= constant ? ifTrue : ifFalse
            case 0x45: next += accumulator & constant != 0 ? ifTrue : ifFalse
            case 0x54: accumulator &= constant
            case 0x06: return (constant, steps)
            default: throw Fault.unknownInstruction(code, at: next - 1)
            }
        }
    }

    func answer(_ number: UInt32, _ arguments: [UInt64] = [], architecture: UInt32 = x86_64) throws -> UInt32 {
        let padded = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
        return try run(Call(number: number, architecture: architecture, arguments: padded)).result
    }
}

/// Return values of a filter (linux/seccomp.h).
enum Answer {
    static let allow: UInt32 = 0x7FFF_0000
    static let kill: UInt32 = 0x8000_0000
    static func errno(_ number: Int32) -> UInt32 { 0x0005_0000 | UInt32(number) }
    static let permission = errno(1)
    static let unknown = errno(38)
}
