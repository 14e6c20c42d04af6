internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// What pid 1 and the gates tell.
extension SandboxLoop {
    /// One thing that came through the gate of a process.
    func gateEvent(_ process: StartingProcess, _ place: OpenPlace) {
        do throws(Refusal) {
            let event: Gate.Event
            do throws(PlaceError) {
                guard let next = try process.gateEvent() else { return }
                event = next
            } catch { throw Refusal(error, steps: process.plan.steps) }
            switch event {
            case .born(let pid):
                process.worker = pid
                let files = try ProcessFiles(pid: pid)
                try place.verification.verifyInherited(files, namespaces: place.namespaces, &process.findings)
            case .terminal(let pid, let controlling):
                guard pid == process.worker else {
                    _ = close(controlling)
                    throw Refusal(.unexpected("a terminal of another process"), steps: [])
                }
                try process.take(terminal: controlling, root: place.root.number)
            case .listener(_, let number):
                _ = close(number)
                throw Refusal(.unexpected("a listener that nobody asked for"), steps: [])
            case .ready(let pid, let values):
                guard pid == process.worker, process.values == nil else {
                    throw Refusal(.unexpected("another process at the gate than the one that was born"), steps: [])
                }
                process.values = values
                if process.isAtGate { try release(process, place) }
            case .executionFailed(let pid, let code, let candidate):
                // Only the process itself can say it: a sibling may have got hold of its gate.
                if pid == process.worker { process.executionError = (code, candidate) }
            case .closed:
                process.gate = nil
                if !process.isReleased { throw Refusal(.gone, steps: process.plan.steps) }
            }
        } catch {
            if process.isReleased {
                process.gate = nil
            } else {
                refuse(process, process.ownFailure() ?? error, .killedAtGate)
            }
        }
    }

    /// What pid 1 has said since the last look.
    func controlEvents(_ place: OpenPlace) {
        // As many as are there: at the end of many processes at once nothing else should have to wait for each.
        for _ in 0..<256 where verdict == nil {
            do throws(PlaceError) {
                switch try place.place.event(timeout: 0) {
                case .started(let id, let inside, let dumpable): started(id, inside, dumpable, place)
                case .exited(let id, let status, let user, let system, let resident, _, let unsure):
                    var usage = Usage.none
                    usage.userMicroseconds = UInt64(max(user, 0))
                    usage.systemMicroseconds = UInt64(max(system, 0))
                    usage.maximumResident = ByteCount(bytes: UInt64(max(resident, 0)) << 10)
                    exited(id, status, usage, isExecUnsure: unsure, place)
                case .notStarted(let id, let error):
                    if let process = processes[id] {
                        refuse(process, SandboxLoop.cannotFork(error), .noProcess)
                    }
                case .timedOut: verdict = .timedOut
                case .gone: verdict = .signalled(signal: SIGKILL)
                case .mounted, .ready, .stopped: break
                }
            } catch {
                if error == .timedOut { return }
                verdict = .signalled(signal: SIGKILL)
            }
        }
    }

    private static func cannotFork(_ errno: Int32) -> Refusal {
        Refusal(
            stage: "process",
            step: "clone",
            subject: "pid 1",
            errno: errno,
            message: "the sandbox cannot make another process",
            remedy: errno == EAGAIN
                ? "end some of its processes, or give the policy a higher limits.tasks" : "see clone(2) for this error",
            layer: .rlimits
        )
    }

    private func started(_ id: UInt32, _ inside: Int64, _ dumpable: Int64, _ place: OpenPlace) {
        guard let process = processes[id], !process.isReleased else { return }
        process.startedInside = inside
        process.findings.compare(.environment, "pid 1 is dumpable", expected: 0, found: dumpable, .selfReported)
        guard process.isAtGate else { return }
        do throws(Refusal) {
            try release(process, place)
        } catch { refuse(process, error, .killedAtGate) }
    }

    private func exited(
        _ id: UInt32,
        _ status: Int32,
        _ usage: Usage,
        isExecUnsure: Bool,
        _ place: OpenPlace
    ) {
        guard let process = processes[id] else { return }
        guard process.isReleased else {
            refuse(process, process.ownFailure() ?? Refusal(.gone, steps: process.plan.steps), .killedAtGate)
            return
        }
        // What execve(2) said came before the end it caused.
        if let failure = process.executionFailure() { process.executionError = failure }
        let signal = status & 0x7F
        var outcome: Outcome
        if let error = process.executionError {
            let all = process.plan.process
            let path =
                error.errno == ENOENT
                ? all.arguments[0] : all.candidates[min(max(error.candidate, 0), all.candidates.count - 1)]
            outcome = .notExecuted(errno: error.errno, message: path.description)
        } else if process.timedOut {
            outcome = .timedOut
        } else {
            outcome = signal == 0 ? .exited(code: (status >> 8) & 0xFF) : .signalled(signal: signal)
        }
        let execve: ExecveFact = process.executionError != nil ? .failed : isExecUnsure ? .notKnown : .succeeded
        if signal == SIGKILL, let exceeded = place.group?.memoryExceeded(process.plan) {
            // The kernel kills the whole place then: who is heard of first is no matter.
            verdict = verdict ?? exceeded
            outcome = exceeded
        }
        guard process.options.endsSandbox else {
            return finish(process, outcome, usage, execve, place.group?.counted())
        }
        processes[process.number] = nil
        last = Ended(process: process, outcome: outcome, usage: usage, execve: execve)
        isClosing = true
    }
}
