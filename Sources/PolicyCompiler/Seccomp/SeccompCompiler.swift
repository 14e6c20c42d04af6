import CSeccomp
import Glibc
import SandboxPlan

/// Why libseccomp did not make a filter.
public struct SeccompCompilerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The function: `seccomp_rule_add_exact_array`.
    public var call: String
    /// What it was about: a system call's name, an attribute.
    public var subject: String
    /// Why it failed.
    public var reason: String

    public var description: String {
        "making the seccomp filter: \(call) for \(subject): \(reason); "
            + "this is a fault of the program or of the installed libseccomp (2.5.4 or newer is needed), not of the policy"
    }
}

/// One filter under construction in libseccomp.
///
/// Nothing is loaded here: the words are exported and installed by pid 1 and by each process.
final class SeccompCompiler {
    private let context: scmp_filter_ctx
    private let defaultAnswer: SyscallAnswer

    /// An empty filter that answers every x86_64 call alike and kills for every other ABI (i386, x32).
    init(defaultAnswer: SyscallAnswer) throws(SeccompCompilerError) {
        guard let context = seccomp_init(defaultAnswer.word) else {
            throw SeccompCompilerError(call: "seccomp_init", subject: "the default", reason: "no memory")
        }
        self.context = context
        self.defaultAnswer = defaultAnswer
        guard seccomp_arch_native() == cseccomp_x86_64() else {
            throw SeccompCompilerError(call: "seccomp_arch_native", subject: "this machine", reason: "it is not x86_64")
        }
        try set(SCMP_FLTATR_ACT_BADARCH, "SCMP_FLTATR_ACT_BADARCH", SyscallAnswer.kill.word)
        // A binary tree over the numbers: the kernel runs a new filter once for every number there is.
        try set(SCMP_FLTATR_CTL_OPTIMIZE, "SCMP_FLTATR_CTL_OPTIMIZE", 2)
        // Exported, not loaded: no_new_privs is a step of the plan, and each process installs for itself.
        try set(SCMP_FLTATR_CTL_NNP, "SCMP_FLTATR_CTL_NNP", 0)
        try set(SCMP_FLTATR_CTL_TSYNC, "SCMP_FLTATR_CTL_TSYNC", 0)
    }

    deinit {
        seccomp_release(context)
    }

    private func set(_ attribute: scmp_filter_attr, _ name: String, _ value: UInt32) throws(SeccompCompilerError) {
        try check(seccomp_attr_set(context, attribute, value), "seccomp_attr_set", name)
    }

    private func check(_ result: Int32, _ call: String, _ subject: String) throws(SeccompCompilerError) {
        guard result == 0 else {
            throw SeccompCompilerError(call: call, subject: subject, reason: String(cString: strerror(-result)))
        }
    }

    /// The call's number on x86_64: libseccomp's, or the table's where libseccomp knows no such name yet.
    static func number(of rule: SyscallRule) throws(SeccompCompilerError) -> Int32 {
        let known = seccomp_syscall_resolve_name_arch(cseccomp_x86_64(), rule.name)
        guard known >= 0 else {
            guard let number = rule.number else {
                throw SeccompCompilerError(
                    call: "seccomp_syscall_resolve_name_arch",
                    subject: rule.name,
                    reason: "libseccomp does not know the name and the table has no number"
                )
            }
            return number
        }
        guard rule.number == nil || rule.number == known else {
            throw SeccompCompilerError(
                call: "seccomp_syscall_resolve_name_arch",
                subject: rule.name,
                reason: "libseccomp has number \(known), the table \(rule.number ?? -1)"
            )
        }
        return known
    }

    /// Adds what a decision says about one call.
    func add(_ rule: SyscallRule, _ decision: SyscallDecision) throws(SeccompCompilerError) {
        let number = try SeccompCompiler.number(of: rule)
        for path in decision.paths() where path.answer != defaultAnswer {
            var comparisons: [scmp_arg_cmp] = []
            for test in path.tests {
                comparisons.append(
                    scmp_arg_cmp(
                        arg: test.argument,
                        op: SCMP_CMP_MASKED_EQ,
                        datum_a: UInt64(test.mask),
                        datum_b: UInt64(test.value)
                    )
                )
            }
            let result = seccomp_rule_add_exact_array(
                context,
                path.answer.word,
                number,
                UInt32(comparisons.count),
                comparisons
            )
            try check(result, "seccomp_rule_add_exact_array", rule.name)
        }
    }

    /// The finished program, as short as it can be.
    func program() throws(SeccompCompilerError) -> SeccompProgram {
        try FilterAssembler.compacted(exported())
    }

    /// What libseccomp makes of the rules.
    func exported() throws(SeccompCompilerError) -> SeccompProgram {
        let file = cseccomp_memory_file()
        guard file >= 0 else {
            throw SeccompCompilerError(
                call: "memfd_create",
                subject: "the filter",
                reason: String(cString: strerror(errno))
            )
        }
        defer { close(file) }
        try check(seccomp_export_bpf(context, file), "seccomp_export_bpf", "the filter")
        let size = lseek(file, 0, SEEK_END)
        // BPF_MAXINSNS instructions of 8 bytes.
        guard size > 0, size % 8 == 0, size <= 4096 * 8 else {
            throw SeccompCompilerError(
                call: "seccomp_export_bpf",
                subject: "the filter",
                reason: "\(size) bytes are no BPF program"
            )
        }
        var words = [UInt64](repeating: 0, count: size / 8)
        let read = words.withUnsafeMutableBytes { pread(file, $0.baseAddress, size, 0) }
        guard read == size else {
            throw SeccompCompilerError(call: "pread", subject: "the filter", reason: "\(read) of \(size) bytes")
        }
        return SeccompProgram(instructions: words)
    }
}

extension SyscallAnswer {
    /// The filter's return value (seccomp(2)).
    var word: UInt32 {
        switch self {
        case .allow: cseccomp_allow()
        case .errno(let number): cseccomp_errno(number)
        case .kill: cseccomp_kill_process()
        }
    }
}
