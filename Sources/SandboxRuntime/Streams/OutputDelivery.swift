internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// After the end of the job: its output that is still on the way, until the reader has taken it or somebody ends that.
struct OutputDelivery {
    private let relays: [Relay]
    /// In milliseconds: nobody can write any more, so what has not come by then never will, whoever keeps its end open.
    private static let patience: Int32 = 1000

    /// - Parameter relays: outward ones, into whose pipes nobody can write any more.
    init(_ relays: [Relay]) {
        self.relays = relays
    }

    /// Waits as long as the readers take; nil when they have it all, else what became of it.
    func run() -> String? {
        // What needs no waiting needs nobody to be asked: most launches end here.
        deliverWithoutWaiting()
        guard !isDone else { return nil }
        let signals: SignalSource
        do throws(Refusal) {
            signals = try SignalSource()
        } catch {
            return lost("nothing could be waited for (\(error.step))")
        }
        var ended: Int32?
        while !isDone && ended == nil {
            let waiting = relays.filter { !$0.isFinished }
            let isQuiet = waiting.allSatisfy { $0.isEmptyHanded }
            guard let some = look(signals.file.number, timeout: isQuiet ? OutputDelivery.patience : -1) else {
                return lost("poll failed")
            }
            if isQuiet && !some { waiting.forEach { $0.finish() } }
            while let signal = signals.next() {
                if SignalSource.ending.contains(signal) { ended = ended ?? signal }
            }
        }
        // Whoever waits on us after this ends us as they would end any program.
        let stillBlocked = [SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ]
        _ = cs_block_signals(stillBlocked, Int32(stillBlocked.count))
        return ended.flatMap { isDone ? nil : lost("signal \($0) ended the wait for its reader") }
    }

    /// As much as the readers take at once.
    ///
    /// - Parameter pieces: at most so many of each, where somebody may go on writing.
    func deliverWithoutWaiting(pieces: Int = .max) {
        var rest = pieces
        while rest > 0, let ready = look(nil, timeout: 0), ready { rest -= 1 }
    }

    private var isDone: Bool { relays.allSatisfy { $0.isFinished } }

    private func lost(_ reason: String) -> String {
        let names = relays.filter { !$0.isFinished }.map(\.name).joined(separator: " and ")
        relays.forEach { $0.finish() }
        return "output of the job on \(names) is lost: \(reason)"
    }

    /// One poll(2): whether anything was ready; nil when it fails for good.
    private func look(_ signals: Int32?, timeout: Int32) -> Bool? {
        var table = signals.map { [pollfd(fd: $0, events: Int16(POLLIN), revents: 0)] } ?? []
        let relaying = RelayTable(relays, appendingTo: &table)
        guard !relaying.isEmpty else { return false }
        let ready = poll(&table, nfds_t(table.count), timeout != 0 && relaying.isPaused ? 10 : timeout)
        let code = errno
        if ready < 0 { return code == EINTR ? true : nil }
        relaying.step(table)
        return ready > 0
    }
}
