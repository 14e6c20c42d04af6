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
    /// Bytes that the source has given.
    private(set) var carried: UInt64 = 0
    /// Monotonic nanoseconds; see `drain`.
    private var pausedUntil: Int64 = 0
    private(set) var isFinished = false
    /// Called with each piece before it is passed on.
    var follow: ((UnsafeMutableRawBufferPointer) -> Void)?
    /// Called once, when it is finished.
    var finished: (() -> Void)?
    /// What the sink takes for the end of a file; twice where a line has begun, because once only ends that (termios(3), VEOF).
    var ending: UInt8?
    /// Whether the source is a terminal that edits lines: its end of a file is one of many.
    var endsOften = false
    /// Whether what was read last ends a line.
    private(set) var isAtLineStart = true

    private static let capacity = 65536
    private static let pause: Int64 = 10_000_000
    private static let gone = Int16(POLLERR | POLLHUP | POLLNVAL)

    /// - Parameters:
    ///   - stream: the caller's.
    ///   - ours: the end of the pipe whose other end the job has; taken over.
    convenience init(_ stream: CallerStream, ours: Int32) {
        let isOutward = stream.number != STDIN_FILENO
        self.init(
            from: isOutward ? RelayEnd(ours: ours) : RelayEnd(stream),
            to: isOutward ? RelayEnd(stream) : RelayEnd(ours: ours),
            name: stream.name,
            isOutward: isOutward
        )
    }

    /// - Parameters:
    ///   - source: what is read.
    ///   - sink: what is written.
    ///   - name: of the caller's stream.
    ///   - isOutward: whether it carries the job's output to the caller.
    init(from source: RelayEnd, to sink: RelayEnd, name: String, isOutward: Bool) {
        self.source = source
        self.sink = sink
        self.name = name
        self.isOutward = isOutward
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

    /// Whether there is nothing to write, and the source has not ended.
    var isEmptyHanded: Bool { held.isEmpty && !sourceEnded }

    /// Moves what can be moved without waiting.
    func step(_ ready: Readiness) {
        guard !isFinished else { return }
        // Who reads is gone: so is our reading end, and who writes into it sees a broken pipe.
        if ready.sink & Relay.gone != 0 { return finish() }
        if held.isEmpty && ready.source != 0 { fill(hasHungUp: ready.source & Relay.gone != 0) }
        if !held.isEmpty && (sink.canBeTried || ready.sink & Int16(POLLOUT) != 0) { drain(ready) }
        if held.isEmpty && sourceEnded { finish() }
    }

    /// Ends it: what it still holds is lost.
    func finish() {
        guard !isFinished else { return }
        isFinished = true
        source.close()
        sink.close()
        let call = finished
        (finished, follow) = (nil, nil)
        call?()
    }

    /// The last piece, where not all of it is written: what is, and what is held.
    func withHeld(_ body: (UnsafeMutableRawBufferPointer, UnsafeMutableRawBufferPointer) -> Void) {
        guard !held.isEmpty else { return }
        body(
            UnsafeMutableRawBufferPointer(rebasing: space[0..<held.lowerBound]),
            UnsafeMutableRawBufferPointer(rebasing: space[held])
        )
    }

    private func fill(hasHungUp: Bool) {
        let result = source.read(into: space)
        if result > 0 {
            held = 0..<result
            carried &+= UInt64(result)
            let piece = UnsafeMutableRawBufferPointer(rebasing: space[held])
            isAtLineStart = piece.last == UInt8(ascii: "\n")
            follow?(piece)
        } else if result == 0 && endsOften && !hasHungUp {
            sayEnd()
        } else if result != -Int(EINTR) && result != -Int(EAGAIN) {
            // EIO: the terminal is gone; to the job that is the end of its input, as 0 is.
            sourceEnded = true
            sayEnd()
        }
    }

    private func sayEnd() {
        guard let ending, ending != 0 else { return }
        let count = isAtLineStart ? 1 : 2
        for index in 0..<count { space[index] = ending }
        held = 0..<count
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
