internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

extension StartingProcess {
    /// What poll(2) is to look at; nil when the gate is closed.
    var gateNumber: Int32? {
        switch gate {
        case .some(let gate): gate.ours.number
        case nil: nil
        }
    }

    /// The next event without waiting; nil when there is no gate any more.
    func gateEvent() throws(PlaceError) -> Gate.Event? {
        switch gate {
        case .some(let gate): try gate.event(timeout: 0)
        case nil: nil
        }
    }

    /// What it says itself of a step that failed.
    func ownFailure() -> Refusal? {
        switch gate {
        case .some(let gate): gate.failure(timeout: 20).map { Refusal($0, steps: plan.steps) }
        case nil: nil
        }
    }

    /// What execve(2) answered, of a process that has ended.
    func executionFailure() -> (errno: Int32, candidate: Int)? {
        switch gate {
        case .some(let gate): gate.executionFailure(of: worker)
        case nil: nil
        }
    }

    func openGate() throws(PlaceError) {
        switch gate {
        case .some(let gate): try gate.release()
        case nil: throw .gone
        }
    }

    /// What its outcome record says, but for what only the end itself tells.
    func end(_ outcome: Outcome) -> LaunchEnd {
        var end = LaunchEnd(
            outcome: outcome,
            exitStatus: 125,
            execve: .notKnown,
            startedAt: context.startedAt,
            endedAt: .now,
            layers: layers
        )
        if case .signalled(let signal) = outcome { end.signal = signal }
        if isReleased {
            end.releasedAt = Timestamp(microseconds: UInt64(releasedAt / 1000))
            end.wallMicroseconds = UInt64(max(0, (cs_monotonic() - releasedMonotonic) / 1000))
        }
        if case .protectionLost(let what, _) = outcome {
            end.protectionEvents = [ProtectionEvent(at: end.endedAt, what: what)]
        }
        return end
    }
}

extension Outcome {
    /// As a shell tells it (docs/operations.md, exit status).
    var processStatus: Int32 {
        switch self {
        case .exited(let code): code
        case .interrupted(_, wasKilled: true): 128 + SIGKILL
        case .signalled(let signal), .interrupted(let signal, wasKilled: false): 128 + signal
        case .timedOut: 124
        case .memoryExceeded, .diskExceeded, .outputExceeded, .protectionLost: 137
        case .refused: 125
        case .notExecuted(let errno, _): errno == ENOENT || errno == ENOTDIR ? 127 : 126
        }
    }
}
