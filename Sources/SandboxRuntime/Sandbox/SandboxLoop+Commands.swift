internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// What other threads ask for: a process, a signal for one, the end.
extension SandboxLoop {
    /// Does what was asked for; its answer, if it has one, goes to whoever waits.
    func carryOut(_ command: LoopCommand, _ place: OpenPlace) {
        switch command {
        case .start(let options, let waiting): start(options, waiting, place)
        case .signal(let number, let signal):
            guard let process = processes[number], process.isReleased else { return }
            self.signal(process, signal, place)
        case .outputExceeded(let number, let bytes):
            guard let process = processes[number], process.isReleased, let limit = process.plan.limits.output else {
                return
            }
            verdict = verdict ?? .outputExceeded(used: ByteCount(bytes: bytes), limit: limit)
        case .close: isClosing = true
        }
    }

    /// To the process with its group; a pid 1 that does not hear of it is gone.
    func signal(_ process: StartingProcess, _ signal: Int32, _ place: OpenPlace) {
        do throws(PlaceError) {
            try place.place.signal(signal, id: process.number)
        } catch {
            verdict = verdict ?? .signalled(signal: SIGKILL)
        }
    }

    private func start(_ options: ProcessOptions, _ waiting: Latch<StartResult>, _ place: OpenPlace) {
        do throws(Refusal) {
            let process = try planned(options, waiting, place)
            do throws(Refusal) {
                try ask(process, place)
            } catch {
                refuse(process, error, .noProcess)
                return
            }
            processes[process.number] = process
        } catch {
            waiting.set(.failure(error))
        }
    }

    private func planned(
        _ options: ProcessOptions,
        _ waiting: Latch<StartResult>,
        _ place: OpenPlace
    ) throws(Refusal) -> StartingProcess {
        let process = try place.preparation.planned(options)
        var plan = place.preparation.plan
        plan.process = process
        if let most = options.output { plan.limits.narrowOutput(to: most) }
        var context = place.context
        context.id = try OpenPlace.newID()
        context.startedAt = .now
        context.arguments = process.arguments
        context.plan = plan
        defer { next += 1 }
        return StartingProcess(
            number: next,
            plan: plan,
            options: options,
            context: context,
            store: try OpenPlace.store(place.location, place.durability),
            waiting: waiting
        )
    }

    /// Sends pid 1 the request.
    private func ask(_ process: StartingProcess, _ place: OpenPlace) throws(Refusal) {
        let theirs = try process.makeStreams()
        defer { for number in theirs { _ = close(number) } }
        let filter = place.preparation.compiled.processFilter
        let isTerminal = if case .terminal = process.options.streams { true } else { false }
        let bytes = SpawnLowering.lowered(process.plan.process, filter: filter, ownTerminal: isTerminal)
        let sealed = cs_sealed_memfd("codex-sandbox spawn", bytes, bytes.count)
        if sealed < 0 { throw Refusal(own: "memfd_create", sealed) }
        let request = OwnedFileDescriptor(owning: Int32(sealed))
        do throws(PlaceError) {
            var gate = try Gate()
            let end = gate.takeTheirs()
            try place.place.spawn(
                id: process.number,
                request: request,
                gate: end,
                stdio: theirs,
                endsPlace: false,
                hasTerminal: false
            )
            process.gate = .some(consume gate)
        } catch { throw Refusal(error, steps: process.plan.steps) }
    }
}
