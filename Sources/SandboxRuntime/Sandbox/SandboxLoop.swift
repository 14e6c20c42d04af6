internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The thread of one sandbox: commands of other threads, pid 1's messages, gates, and what watches the place.
///
/// Everything but `commands` is its own thread's alone.
final class SandboxLoop: @unchecked Sendable {
    let commands: LoopCommands
    var processes: [UInt32: StartingProcess] = [:]
    var next: UInt32 = 1
    /// Taken, and not carried out yet.
    var pending: [LoopCommand] = []
    var verdict: Outcome?
    var warnings: [String] = []
    var isClosing = false
    /// The process that the sandbox ends with, once it has ended.
    var last: Ended?

    struct Ended {
        var process: StartingProcess
        var outcome: Outcome
        var usage: Usage
        var execve: ExecveFact
    }

    static let isClosed = Refusal(
        stage: "process",
        subject: "sandbox",
        message: "the sandbox is closed, or has ended",
        remedy: "open another one"
    )

    init() throws(Refusal) {
        commands = try LoopCommands()
    }

    /// Asks the thread for something that has no answer.
    func post(_ command: LoopCommand) { _ = commands.post(command) }

    /// There is no place: whatever was asked for meanwhile is refused.
    func refuse() {
        for case .start(_, let waiting) in commands.end() { waiting.set(.failure(SandboxLoop.isClosed)) }
    }

    /// Serves until the sandbox is closed or lost.
    ///
    /// - Parameters:
    ///   - place: stands, and is given up here.
    ///   - opened: called when commands are taken.
    /// - Returns: how it ended; nothing of it is left.
    func run(_ place: OpenPlace, _ opened: () -> Void) -> SandboxEnd {
        opened()
        var nextLook = cs_monotonic() + 50_000_000
        while !isClosing && verdict == nil {
            var table = [
                pollfd(fd: place.place.control.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: place.mounts.file.number, events: Int16(POLLPRI), revents: 0),
                pollfd(fd: commands.bell.number, events: Int16(POLLIN), revents: 0),
            ]
            var gates: [StartingProcess] = []
            for process in processes.values {
                guard let gate = process.gateNumber else { continue }
                gates.append(process)
                table.append(pollfd(fd: gate, events: Int16(POLLIN), revents: 0))
            }
            let before = cs_monotonic()
            let wait = pending.isEmpty ? max(0, (min(nextLook, deadline) - before + 999_999) / 1_000_000) : 0
            let ready = poll(&table, nfds_t(table.count), Int32(clamping: wait))
            let code = errno
            if ready < 0 && code != EINTR && code != ENOMEM {
                verdict = .protectionLost(what: "poll failed: errno \(code)")
                break
            }
            if ready > 0 {
                if table[1].revents & Int16(POLLPRI | POLLERR) != 0, let lost = lostMounts(place) {
                    verdict = .protectionLost(what: lost)
                    break
                }
                // pid 1's word first: a gate that closes does not say why.
                controlEvents(place)
                for (index, process) in gates.enumerated() where table[3 + index].revents != 0 {
                    gateEvent(process, place)
                }
                if table[2].revents != 0 { pending += commands.take() }
            }
            // A few at a time: pid 1 answers each, and whoever does not read while it writes waits for ever.
            for command in pending.prefix(16) { carryOut(command, place) }
            pending.removeFirst(min(16, pending.count))
            let now = cs_monotonic()
            keepTimes(now, place)
            if now >= nextLook { nextLook = now + look(place) }
        }
        return end(place)
    }

    /// The next moment at which a process is too late for something.
    private var deadline: Int64 {
        var first = Int64.max
        for process in processes.values {
            first = min(first, process.deadline)
            if let killAt = process.killAt { first = min(first, killAt) }
        }
        return first
    }
}
