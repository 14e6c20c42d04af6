internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// The listener for refused calls (`--report-denials`), until the worker is released.
extension Launch {
    /// The worker's listener, where it is to have one.
    func listener(
        _ plan: LaunchPlan,
        _ gate: borrowing Gate,
        _ worker: Int32,
        _ filter: SeccompProgram
    ) throws(Refusal) -> DenialListener? {
        guard plan.process.reportsDenials else { return nil }
        guard case .listener(let pid, let number) = try gateEvent(plan, gate) else {
            throw Refusal(.unexpected("something else at the gate than a listener"), steps: plan.steps)
        }
        let file = OwnedFileDescriptor(owning: number)
        guard pid == worker else {
            throw Refusal(.unexpected("another process at the gate than the one that was born"), steps: plan.steps)
        }
        return DenialListener(file, filter: filter)
    }

    /// What the worker tried was refused by the listener, and no other call was.
    ///
    /// What a filter around us refuses it asks nobody of: one of the two may be missing. What both got is compared besides.
    func verifyListener(_ listener: DenialListener, _ findings: inout Findings) throws(Refusal) {
        let heard = listener.takeDenials().calls.map { "\(SystemCalls.name($0.number)) \(ErrnoName.name($0.errno))" }
        let tried = ["clone3 ENOSYS", "fchmod EPERM"]
        guard !heard.isEmpty else {
            throw Refusal(
                stage: "process",
                subject: "--report-denials",
                message: "no refused call came to the supervisor: a seccomp filter around this one answers first",
                remedy: "leave out --report-denials, or run outside of what confines this process",
                layer: .seccomp
            )
        }
        let expected = tried.filter { heard.contains($0) }
        findings.compare(
            .seccomp,
            "refused calls that the supervisor answered",
            expected: (expected.isEmpty ? tried : expected).joined(separator: ", "),
            found: heard.joined(separator: ", ")
        )
    }

    /// Answers refused calls until something comes through the gate: the worker tries two on its way.
    func answer(_ listener: DenialListener, _ plan: LaunchPlan, _ gate: borrowing Gate) throws(Refusal) {
        let until = cs_monotonic() + Int64(plan.limits.setUp.milliseconds) * 1_000_000
        while !listener.isOver {
            var table = [
                pollfd(fd: gate.ours.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: listener.file.number, events: Int16(POLLIN), revents: 0),
            ]
            let rest = until - cs_monotonic()
            if rest <= 0 { return }
            if poll(&table, 2, Int32(clamping: rest / 1_000_000 + 1)) < 0 && errno != EINTR {
                throw Refusal(own: "poll", Int(-errno))
            }
            if let error = listener.answer() { throw Refusal(own: error.call, Int(-error.errno)) }
            if table[0].revents != 0 { return }
        }
    }
}
