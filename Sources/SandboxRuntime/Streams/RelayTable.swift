internal import Glibc

/// The relays' entries in a table of poll(2), behind others.
struct RelayTable {
    private let relays: [Relay]
    private let first: Int

    /// Adds two entries for each relay that is not finished.
    init(_ all: [Relay], appendingTo table: inout [pollfd]) {
        relays = all.filter { !$0.isFinished }
        first = table.count
        for relay in relays {
            let (source, sink) = relay.interest
            table.append(source)
            table.append(sink)
        }
    }

    var isEmpty: Bool { relays.isEmpty }
    var isPaused: Bool { relays.contains { $0.isPaused } }

    /// Lets the relays work of which poll(2) said something.
    func step(_ table: [pollfd]) {
        for (index, relay) in relays.enumerated() {
            let at = first + 2 * index
            let ready = Relay.Readiness(source: table[at].revents, sink: table[at + 1].revents)
            if !ready.isNone { relay.step(ready) }
        }
    }
}
