import Glibc
import SandboxPlan

/// `live-suite-fault NUMBER -- COMMAND …`, which the suite calls itself by: executes a command of which, and of all that it
/// starts, the system call of this number fails with EPERM.
enum LiveSuiteFault {
    /// A number that no call has: with it the filter stands there and refuses nothing.
    static let nothing = 4095

    static func run(_ arguments: [OSString]) -> Int32 {
        guard arguments.count >= 3, arguments[1] == "--", let number = arguments[0].utf8.flatMap({ UInt32($0) }),
            number <= 4095
        else {
            return Output.misunderstood("live-suite-fault wants NUMBER -- COMMAND", "codex-sandbox live-suite --help")
        }
        if let failure = install(number) {
            Output.say("live-suite-fault: \(failure)")
            return 1
        }
        let words = arguments.dropFirst(2).map { word in word.withCString { strdup($0) } }
        _ = arguments[2].withCString { execv($0, words + [nil]) }
        Output.say("live-suite-fault: \(arguments[2]) cannot be executed: \(ErrnoName.described(errno))")
        return 1
    }

    /// prctl(2) takes any number of arguments, which Swift does not import; on this machine such a call passes them as any other.
    private typealias Prctl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32

    // linux/prctl.h
    private static let setParentDeathSignal: Int32 = 1
    private static let setSeccomp: Int32 = 22
    private static let setNoNewPrivileges: Int32 = 38

    /// Why it could not be done.
    private static func install(_ number: UInt32) -> String? {
        #if !arch(x86_64)
        return "there are no call numbers for this machine"
        #else
        guard let symbol = dlsym(nil, "prctl") else { return "the C library has no prctl" }
        let prctl = unsafeBitCast(symbol, to: Prctl.self)
        // The suite may be killed: what it started ends with it.
        guard prctl(setParentDeathSignal, UInt(SIGTERM), 0, 0, 0) == 0 else {
            return "prctl: \(ErrnoName.described(errno))"
        }
        guard prctl(setNoNewPrivileges, 1, 0, 0, 0) == 0 else { return "no_new_privs: \(ErrnoName.described(errno))" }
        var filter = filter(number)
        let failed = filter.withUnsafeMutableBufferPointer { words in
            // struct sock_fprog: the count of instructions, padding, their address.
            var program = (UInt(words.count), UInt(bitPattern: words.baseAddress))
            return withUnsafePointer(to: &program) { prctl(setSeccomp, 2, UInt(bitPattern: $0), 0, 0) != 0 }
        }
        return failed ? "seccomp: \(ErrnoName.described(errno))" : nil
        #endif
    }

    /// Instructions of linux/filter.h, a word each: code 16 bits, jumps 8 and 8 bits, value 32 bits.
    ///
    /// They look at `struct seccomp_data`: the number of the call at 0, its ABI at 4.
    private static func filter(_ number: UInt32) -> [UInt64] {
        func word(_ code: UInt64, yes: UInt64 = 0, no: UInt64 = 0, _ value: UInt32) -> UInt64 {
            code | yes << 16 | no << 24 | UInt64(value) << 32
        }
        let load: UInt64 = 0x20  // BPF_LD | BPF_W | BPF_ABS
        let isEqual: UInt64 = 0x15  // BPF_JMP | BPF_JEQ | BPF_K
        let answer: UInt64 = 0x06  // BPF_RET | BPF_K
        return [
            word(load, 4),
            word(isEqual, no: 3, 0xC000_003E),  // AUDIT_ARCH_X86_64
            word(load, 0),
            word(isEqual, no: 1, number),
            word(answer, 0x0005_0000 | UInt32(EPERM)),  // SECCOMP_RET_ERRNO
            word(answer, 0x7FFF_0000),  // SECCOMP_RET_ALLOW
        ]
    }
}
