internal import Synchronization
internal import WebTransport
internal import WorkspaceStore
internal import Workspaces

/// A job's events as server-sent events (HTML standard, 9.2), pulled by the transport.
///
/// Kept are a number, and the rest of one event that was larger than the room for it: an idle viewer costs next to nothing.
final class EventFeed: Sendable {
    private struct State {
        var last: Int64
        var rest: ArraySlice<UInt8> = []
        var isOver = false
    }

    private let service: any WorkspaceService
    private let project: String
    private let job: String
    private let state: Mutex<State>

    /// Looked at in one go; of these are kept as many as make `kept` bytes of text, and one at least.
    private static let page = 8
    private static let kept = 16 << 10
    static let heartbeat = HTTPStream.Heartbeat(bytes: Array(":\n\n".utf8), seconds: 15)

    /// Begins behind the event of the number `last`, the last one that the viewer has; 0 for none.
    init(_ service: any WorkspaceService, project: String, job: String, after last: Int64) {
        self.service = service
        self.project = project
        self.job = job
        state = Mutex(State(last: last))
    }

    /// The number that a client says it has; 0, which is all, if it says none.
    static func number(_ text: String?) -> Int64 {
        guard let text, text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int64(text) else { return 0 }
        return number
    }

    /// The stream for the transport, woken by the job's events.
    func stream() -> HTTPStream {
        let watch = HeldWatch()
        let stream = HTTPStream(
            heartbeat: EventFeed.heartbeat,
            next: { self.next(room: $0) },
            closed: { watch.end() }
        )
        // Before the first look, so that nothing can happen unseen between the two. The stream holds the watch until it is
        // closed, and the watch must not hold the stream.
        watch.hold(service.watch(job: job) { [weak stream] in stream?.wake() })
        return stream
    }

    func next(room: Int) -> HTTPStream.Piece {
        state.withLock { state in
            if state.rest.isEmpty && !state.isOver {
                do throws(WorkspaceError) {
                    try look(&state)
                } catch {
                    // The project is gone, or the store is: the viewer asks again, and is told then.
                    state.rest = EventFeed.end("removed")[...]
                    state.isOver = true
                }
            }
            guard !state.rest.isEmpty else { return state.isOver ? .end : .waiting }
            let piece = Array(state.rest.prefix(room))
            state.rest = state.rest.dropFirst(piece.count)
            // A slice keeps the whole of what it is a part of.
            if state.rest.isEmpty { state.rest = [] }
            return .bytes(piece)
        }
    }

    private func look(_ state: inout State) throws(WorkspaceError) {
        if try take(&state) { return }
        // What ended between the two looks has its last events in the second.
        let job = try service.job(job, of: project)
        guard job.status.hasEnded, try !take(&state) else { return }
        state.rest = EventFeed.end(job.status.rawValue)[...]
        state.isOver = true
    }

    /// Whether there were further events.
    private func take(_ state: inout State) throws(WorkspaceError) -> Bool {
        let events = try service.events(of: job, after: state.last, limit: EventFeed.page)
        guard !events.isEmpty else { return false }
        var text: [UInt8] = []
        for event in events where text.count < EventFeed.kept {
            text += EventFeed.text(event)
            state.last = event.number
        }
        state.rest = text[...]
        return true
    }

    static func text(_ event: JobEvent) -> [UInt8] {
        let data = JSONText.bytes { $0.event(event) }
        return Array("id: \(event.number)\nevent: \(event.kind.rawValue)\ndata: ".utf8) + data + Array("\n\n".utf8)
    }

    private static func end(_ status: String) -> [UInt8] {
        Array("event: end\ndata: {\"status\":\"\(status)\"}\n\n".utf8)
    }
}

/// A watch that is let go when its stream is closed, or not begun if that came first.
private final class HeldWatch: Sendable {
    private struct State {
        var watch: JobWatch?
        var isOver = false
    }

    private let state = Mutex(State())

    func hold(_ watch: JobWatch) {
        state.withLock { state in
            if !state.isOver { state.watch = watch }
        }
    }

    /// The watch ends outside the lock: whoever it was of may be calling just now.
    func end() {
        let watch = state.withLock { state in
            state.isOver = true
            return state.watch.take()
        }
        _ = watch
    }
}
