internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// What pid 1 and the worker say on their way to gate B, each thing in its turn.
extension Launch {
    /// The place is set up: what pid 1 says of it.
    func ready(_ plan: LaunchPlan) throws(Refusal) -> PlaceProcess.Report {
        let event = try attempt(plan) { () throws(PlaceError) in
            try place.event(timeout: milliseconds(plan.limits.setUp))
        }
        switch event {
        case .ready(let report): return report
        case .gone: throw Refusal(.gone, steps: plan.steps)
        case .mounted, .started, .exited, .timedOut, .stopped, .notStarted:
            throw Refusal(.unexpected("an event before the place was ready"), steps: plan.steps)
        }
    }

    /// The last mount is made.
    func mounted(_ plan: LaunchPlan) throws(Refusal) {
        let event = try attempt(plan) { () throws(PlaceError) in
            try place.event(timeout: milliseconds(plan.limits.setUp))
        }
        switch event {
        case .mounted: return
        case .gone: throw Refusal(.gone, steps: plan.steps)
        case .ready, .started, .exited, .timedOut, .stopped, .notStarted:
            throw Refusal(.unexpected("an event before the mounts were made"), steps: plan.steps)
        }
    }

    /// The worker's pid in the supervisor's pid namespace, as soon as there is one.
    func born(_ plan: LaunchPlan, _ gate: borrowing Gate) throws(Refusal) -> Int32 {
        guard case .born(let pid) = try gateEvent(plan, gate) else {
            throw Refusal(.unexpected("a process at the gate that was not born"), steps: plan.steps)
        }
        return pid
    }

    /// What the worker says of itself at the gate.
    func atGate(
        _ plan: LaunchPlan,
        _ gate: borrowing Gate,
        _ worker: Int32,
        _ listener: DenialListener?
    ) throws(Refusal) -> [Int64] {
        if let listener { try answer(listener, plan, gate) }
        guard case .ready(worker, let values) = try gateEvent(plan, gate) else {
            throw Refusal(.unexpected("another process at the gate than the one that was born"), steps: plan.steps)
        }
        return values
    }

    /// The next thing that comes through the gate on the way to it.
    func gateEvent(_ plan: LaunchPlan, _ gate: borrowing Gate) throws(Refusal) -> Gate.Event {
        let event: Gate.Event
        do throws(PlaceError) {
            event = try gate.event(timeout: milliseconds(plan.limits.setUp))
        } catch { throw Refusal(error, steps: plan.steps) }
        switch event {
        case .born, .ready: return event
        case .listener(_, let number):
            if plan.process.reportsDenials { return event }
            _ = close(number)
            throw Refusal(.unexpected("a listener that nobody asked for"), steps: plan.steps)
        case .terminal(_, let controlling):
            _ = close(controlling)
            throw Refusal(.unexpected("a terminal that nobody asked for"), steps: plan.steps)
        case .closed, .executionFailed: throw Refusal(.gone, steps: plan.steps)
        }
    }

    /// pid 1 has closed its own memory to the place before anything is released in it.
    ///
    /// - Parameters:
    ///   - plan: the plan.
    ///   - worker: the pid in the place of the process that reported at the gate, as the kernel says it.
    ///   - findings: gets what pid 1 says.
    /// - Throws: `Refusal` when it says something else, or nothing.
    func verifySealed(_ plan: LaunchPlan, worker: String, _ findings: inout Findings) throws(Refusal) {
        let event = try attempt(plan) { () throws(PlaceError) in
            try place.event(timeout: milliseconds(plan.limits.setUp))
        }
        guard case .started(1, let inside, let dumpable) = event else {
            throw Refusal(.unexpected("no word on the worker's start"), steps: plan.steps)
        }
        // What stands at the gate is what pid 1 has made, and nothing else that got hold of the gate.
        findings.compare(.pidNamespace, "NSpid of worker", expected: String(inside), found: worker)
        findings.compare(.environment, "pid 1 is dumpable", expected: 0, found: dumpable, .selfReported)
    }

    private func milliseconds(_ span: TimeSpan) -> Int32 { Int32(clamping: span.milliseconds) }

    /// What fails is told with the plan's step.
    func attempt<Value: ~Copyable>(
        _ plan: LaunchPlan,
        _ body: () throws(PlaceError) -> Value
    ) throws(Refusal) -> Value {
        do throws(PlaceError) {
            return try body()
        } catch { throw Refusal(error, steps: plan.steps) }
    }
}
