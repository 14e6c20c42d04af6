import FilterProbe
import Glibc
import SandboxPlan
import Testing

@testable import PolicyCompiler

/// The filters installed for real: the kernel answers as the evaluator says.
///
/// Each call is made once without a filter (the positive control) and once with both, in a child of its own.
@Suite struct KernelAgreementTests {
    struct Attempt: CustomStringConvertible, Sendable {
        var call: String
        var arguments: [UInt64]
        /// What the kernel says without a filter; nil where the call cannot be tried.
        var free: Int?
        var filtered: Int
        var description: String { "\(call)\(arguments)" }
    }

    private static let programs: Result<[SeccompProgram], any Error> = Result {
        [try SeccompFilters.place(), try SeccompFilters.process(SeccompPolicy(without: []))]
    }

    private func attempt(
        _ number: Int,
        _ arguments: [UInt64] = [],
        abi: filter_probe_abi = FILTER_PROBE_X86_64,
        under programs: [SeccompProgram]
    ) -> filter_probe_result {
        var call = filter_probe_call()
        call.abi = abi
        call.number = number
        withUnsafeMutableBytes(of: &call.arguments) { bytes in
            for (index, argument) in arguments.enumerated() {
                bytes.storeBytes(of: argument, toByteOffset: index * 8, as: UInt64.self)
            }
        }
        return withPrograms(programs) { filter_probe_call($0, programs.count, &call) }
    }

    /// The words stay where they are while the body runs.
    private func withPrograms<Result>(
        _ programs: [SeccompProgram],
        _ body: (UnsafePointer<filter_probe_program>?) -> Result
    ) -> Result {
        let words = programs.map { program in
            let copy = UnsafeMutablePointer<UInt64>.allocate(capacity: program.instructions.count)
            copy.initialize(from: program.instructions, count: program.instructions.count)
            return filter_probe_program(instructions: copy, count: program.instructions.count)
        }
        defer { for program in words { program.instructions.deallocate() } }
        return words.withUnsafeBufferPointer { body($0.baseAddress) }
    }

    private static let noFile = Int(-EBADF), noEntry = Int(-EFAULT), forbidden = Int(-EPERM), missing = Int(-ENOSYS)
    private static let closed: UInt64 = 0xFFFF_FFFF
    /// Stands for any descriptor: which one it is depends on what the test process has open.
    private static let descriptor = Int.max

    private static func outcome(_ result: filter_probe_result, like wanted: Int) -> (Int32, Int32, Int) {
        (result.broken, result.signal, wanted == descriptor && result.value > 2 ? descriptor : result.value)
    }

    /// Harmless even where it is allowed: descriptors that are not open, addresses that are not mapped.
    static let attempts: [Attempt] = [
        Attempt(call: "fchmod", arguments: [closed, 0o755], free: noFile, filtered: noFile),
        Attempt(call: "fchmod", arguments: [closed, 0o4755], free: noFile, filtered: forbidden),
        Attempt(call: "fchmodat", arguments: [closed, 0, 0o2755], free: noEntry, filtered: forbidden),
        Attempt(call: "chmod", arguments: [0, 0xFFFF_FFFF_0000_09ED], free: noEntry, filtered: forbidden),
        Attempt(call: "mkdirat", arguments: [closed, 0, 0o755], free: noEntry, filtered: noEntry),
        Attempt(call: "mkdirat", arguments: [closed, 0, 0o2755], free: noEntry, filtered: forbidden),
        Attempt(call: "openat", arguments: [closed, 0, 0o102, 0o644], free: noEntry, filtered: noEntry),
        Attempt(call: "openat", arguments: [closed, 0, 0o102, 0o4644], free: noEntry, filtered: forbidden),
        Attempt(call: "openat", arguments: [closed, 0, 0, 0o4644], free: noEntry, filtered: noEntry),
        Attempt(call: "mknodat", arguments: [closed, 0, 0o010_644, 0], free: noEntry, filtered: noEntry),
        Attempt(call: "mknodat", arguments: [closed, 0, 0o020_644, 0], free: nil, filtered: forbidden),
        Attempt(call: "ioctl", arguments: [closed, 0x5401, 0], free: noFile, filtered: noFile),
        Attempt(call: "ioctl", arguments: [closed, 0x5412, 0], free: noFile, filtered: forbidden),
        Attempt(call: "ioctl", arguments: [closed, 0xA5A5_0000_0000_5412, 0], free: noFile, filtered: forbidden),
        Attempt(call: "ioctl", arguments: [closed, 0x1_0000_541C, 0], free: noFile, filtered: forbidden),
        Attempt(call: "socket", arguments: [1, 0x80000 | 1, 0], free: descriptor, filtered: descriptor),
        Attempt(call: "socket", arguments: [2, 0x80000 | 2, 17], free: descriptor, filtered: descriptor),
        Attempt(call: "socket", arguments: [16, 0x80000 | 3, 0], free: descriptor, filtered: descriptor),
        Attempt(call: "socket", arguments: [16, 0x80000 | 3, 15], free: descriptor, filtered: Int(-EPROTONOSUPPORT)),
        Attempt(call: "socket", arguments: [0xABCD_0000_0000_0011, 3, 0], free: nil, filtered: Int(-EAFNOSUPPORT)),
        Attempt(call: "socketpair", arguments: [2, 1, 0, 0], free: nil, filtered: Int(-EAFNOSUPPORT)),
        Attempt(call: "unshare", arguments: [0], free: 0, filtered: forbidden),
        Attempt(call: "setns", arguments: [closed, 0], free: noFile, filtered: forbidden),
        Attempt(call: "clone3", arguments: [0, 0], free: Int(-EINVAL), filtered: missing),
        Attempt(call: "openat2", arguments: [closed, 0, 0, 0], free: Int(-EINVAL), filtered: missing),
        Attempt(call: "move_mount", arguments: [closed, 0, closed, 0, 0x1000], free: nil, filtered: forbidden),
        Attempt(call: "fspick", arguments: [closed, 0, 0x1000], free: nil, filtered: forbidden),
        Attempt(call: "keyctl", arguments: [0x7FFF], free: Int(-EOPNOTSUPP), filtered: forbidden),
        Attempt(call: "io_uring_setup", arguments: [0, 0], free: nil, filtered: forbidden),
        Attempt(call: "prctl", arguments: [39], free: 1, filtered: 1),
        Attempt(call: "prctl", arguments: [35, 0], free: nil, filtered: forbidden),
        Attempt(call: "prctl", arguments: [9999], free: Int(-EINVAL), filtered: Int(-EINVAL)),
        Attempt(call: "personality", arguments: [0xFFFF_FFFF], free: 0, filtered: 0),
        Attempt(call: "personality", arguments: [8], free: 0, filtered: forbidden),
        Attempt(call: "getppid", arguments: [], free: nil, filtered: Int(getpid())),
        Attempt(call: "memfd_create", arguments: [0, 0], free: noEntry, filtered: noEntry),
        Attempt(call: "pidfd_open", arguments: [closed, 0], free: Int(-EINVAL), filtered: Int(-EINVAL)),
        Attempt(call: "ptrace", arguments: [0x7FFF, 0], free: Int(-ESRCH), filtered: Int(-ESRCH)),
    ]

    @Test(arguments: attempts) func kernelAgrees(attempt wanted: Attempt) throws {
        let number = Int(try SyscallTable.number(wanted.call))
        if let free = wanted.free {
            let control = attempt(number, wanted.arguments, under: [])
            #expect(Self.outcome(control, like: free) == (0, 0, free))
        }
        let result = attempt(number, wanted.arguments, under: try Self.programs.get())
        #expect(Self.outcome(result, like: wanted.filtered) == (0, 0, wanted.filtered))
    }

    /// Calls that are denied whatever their arguments are never reach the kernel, so all of them can be tried.
    @Test func everyDeniedCallIsDenied() throws {
        let programs = try Self.programs.get()
        var tried = 0
        for group in SyscallGroup.all {
            guard case .denied(let answer) = group.verdict else { continue }
            for rule in group.calls {
                let result = attempt(Int(try SyscallTable.number(rule.name)), under: programs)
                tried += 1
                switch answer {
                case .errno(let number):
                    #expect((result.broken, result.signal, result.value) == (0, 0, -Int(number)), "\(rule.name)")
                case .kill:
                    #expect((result.broken, result.signal) == (0, SIGSYS), "\(rule.name)")
                case .allow:
                    Issue.record("\(group.name) is denied with `allow`")
                }
            }
        }
        #expect(tried > 80)
    }

    @Test func unknownNumberIsNotImplemented() throws {
        for number in [400, 600, 1000] {
            #expect(attempt(number, under: try Self.programs.get()).value == Self.missing)
        }
    }

    /// i386's getpid is 20, x32's is 0x40000000 + 39.
    @Test func foreignABIIsKilled() throws {
        let programs = try Self.programs.get()
        for filters in [[programs[0]], [programs[1]], programs] {
            let result = attempt(20, abi: FILTER_PROBE_I386, under: filters)
            #expect((result.broken, result.signal) == (0, SIGSYS))
            let x32 = attempt(0x4000_0000 + 39, under: filters)
            #expect((x32.broken, x32.signal) == (0, SIGSYS))
        }
        // The control: the kernel itself has int 0x80, or the test above shows nothing.
        let control = attempt(20, abi: FILTER_PROBE_I386, under: [])
        #expect(control.signal == 0 && control.value > 0)
    }

    /// What pid 1 does after its own filter, and what starts a process after the second: both filters, then a program.
    @Test(arguments: [
        ["/bin/true"],
        ["/bin/sh", "-c", "a=$(echo x | tr x y); [ \"$a\" = y ] && (exit 0) && sleep 0.01"],
        ["/usr/bin/git", "--version"],
        [
            "/bin/sh", "-c",
            "d=$(mktemp -d) && cd $d && git init -q . && echo a > a && git add a && git -c user.name=a "
                + "-c user.email=a@b commit -qm a && git gc -q && cp -a a b && chmod 1777 . && mkfifo f && rm -r $d",
        ],
    ]) func programsRun(arguments: [String]) throws {
        let programs = try Self.programs.get()
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        let result = withPrograms(programs) { filter_probe_run($0, programs.count, &pointers) }
        #expect((result.broken, result.signal, result.value) == (0, 0, 0))
    }
}
