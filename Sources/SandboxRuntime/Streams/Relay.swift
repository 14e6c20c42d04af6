internal import CShims
internal import Glibc

/// Carries bytes from one descriptor to another with at most 64 KiB in between.
///
/// A class because poll(2) tables, the loop and the streams all speak of the same one.
final class Relay {
    /// What poll(2) said of the two ends.
    struct Readiness {
        var source: Int16
        var sink: Int16

        var isNone: Bool { source == 0 && sink == 0 }
    }

    private let source: RelayEnd
    private let sink: RelayEnd
    /// Whether it carries the job's output to the caller.
    let isOutward: Bool
    /// The caller's stream.
    let name: String
    private let space: UnsafeMutableRawBufferPointer
    /// What is read and not yet written.
    private var held: Range<Int> = 0..<0
    private var sourceEnded = false
    /// Monotonic nanoseconds; see `drain`.
    private var pausedUntil: Int64 = 0
    private(set) var isFinished = false

    private static let capacity = 65536
    private static let pause: Int64 = 10_000_000
    private static let gone = Int16(POLLERR | POLLHUP | POLLNVAL)

    /// - Parameters:
    ///   - stream: the caller's.
    ///   - ours: the end of the pipe whose other end the job has; taken over.
    init(_ stream: CallerStream, ours: Int32) {
        let theirs = RelayEnd(stream)
        isOutward = stream.number != STDIN_FILENO
        name = stream.name
        source = isOutward ? RelayEnd(ours: ours) : theirs
        sink = isOutward ? theirs : RelayEnd(ours: ours)
        space = .allocate(byteCount: Relay.capacity, alignment: 16)
    }

    deinit {
        finish()
        space.deallocate()
    }

    /// What to wait for now: the source while there is nothing to write, then the sink.
    ///
    /// The sink is always watched: that its reader goes away is reported without being asked for (poll(2), POLLERR).
    var interest: (source: pollfd, sink: pollfd) {
        let reads = held.isEmpty && !sourceEnded && !source.isInBackground
        let writes = !held.isEmpty && !isPaused
        return (
            pollfd(fd: reads ? source.watched : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: sink.watched, events: writes ? Int16(POLLOUT) : 0, revents: 0)
        )
    }

    /// Whether it wants to try again after a while, whatever poll(2) says.
    var isPaused: Bool { pausedUntil != 0 && cs_monotonic() < pausedUntil }

    /// Moves what can be moved without waiting.
    func step(_ ready: Readiness) {
        guard !isFinished else { return }
        // Who reads is gone: so is our reading end, and who writes into it sees a broken pipe.
        if ready.sink & Relay.gone != 0 { return finish() }
        if held.isEmpty && ready.source != 0 { fill() }
        if !held.isEmpty && (sink.canBeTried || ready.sink & Int16(POLLOUT) != 0) { drain(ready) }
        if held.isEmpty && sourceEnded { finish() }
    }

    /// Ends it: what it still holds is lost.
    func finish() {
        guard !isFinished else { return }
        isFinished = true
        source.close()
        sink.close()
    }

    private func fill() {
        let result = source.read(into: space)
        if result > 0 {
            held = 0..<result
        } else if result != -Int(EINTR) && result != -Int(EAGAIN) {
            // EIO: the terminal is gone; to the job that is the end of its input, as 0 is.
            sourceEnded = true
        }
    }

    private func drain(_ ready: Readiness) {
        let result = sink.write(UnsafeRawBufferPointer(rebasing: space[held]))
        if result > 0 {
            held = held.lowerBound + result..<held.upperBound
        } else if result == 0 || result == -Int(EAGAIN) {
            // A terminal with room for one byte is called writable and does not take a newline, which it makes two of.
            if ready.sink & Int16(POLLOUT) != 0 { pausedUntil = cs_monotonic() + Relay.pause }
        } else if result != -Int(EINTR) {
            finish()
        }
    }
}
