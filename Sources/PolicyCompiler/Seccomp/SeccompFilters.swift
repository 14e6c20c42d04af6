import SandboxPlan

/// The two filters of a policy.
enum SeccompFilters {
    /// The allow-list that each process installs last.
    ///
    /// A number in no group gets ENOSYS, a known call that is not allowed its group's answer, a foreign ABI the end.
    static func process(_ policy: SeccompPolicy) throws(SeccompCompilerError) -> SeccompProgram {
        let compiler = try SeccompCompiler(defaultAnswer: .unknown)
        let without = Set(policy.without)
        for group in SyscallGroup.all {
            for rule in group.calls {
                try compiler.add(rule, group.decision(for: rule, without: without))
            }
        }
        return try compiler.program()
    }

    /// What pid 1 installs on itself: nobody in the place needs these calls once it stands.
    ///
    /// Short, because pid 1 pays for its length before the first process; everything that runs foreign code carries
    /// `process` on top of it.
    static func place() throws(SeccompCompilerError) -> SeccompProgram {
        let compiler = try SeccompCompiler(defaultAnswer: .allow)
        for group in SyscallGroup.all where group.inPlaceFilter {
            for rule in group.calls {
                try compiler.add(rule, group.decision(for: rule, without: []))
            }
        }
        for (rule, decision) in placeExtras {
            try compiler.add(rule, decision)
        }
        return try compiler.program()
    }

    /// clone(2) and clone3(2) make namespaces too; pid 1 forks, so the first stays.
    static let placeExtras: [(SyscallRule, SyscallDecision)] = [
        ("clone", .cloneWithoutNamespaces),
        ("clone3", .answer(.unknown)),
    ]
}
