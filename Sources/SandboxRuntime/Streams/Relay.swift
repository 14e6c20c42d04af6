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
    /// Looks at each piece before it is written, and at what is.
    var filter: (any RelayFilter)?
    /// Called once, when it is finished.
    var finished: (() -> Void)?
    /// What the sink takes for the end of a file; twice where a line has begun, because once only ends that (termios(3), VEOF).
    var ending: UInt8?
    /// Whether the source is a terminal that edits lines: its end of a file is one of many.
    var endsOften = false
    /// Whether what was read last ends a line.
    private(set) var isAtLineStart = true

    private static let capacity = 65536
    /// Before each piece: for what a filter has held back, and for the end of a sequence.
    private static let margin =
        HarmlessOutput.limit + TerminalSequence.closing.count + TerminalSequence.unshifting(isUTF8: true).count
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
        space = .allocate(byteCount: Relay.margin + Relay.capacity, alignment: 16)
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
        let writes = !held.isEmpty && !isPaused && mayWrite
        return (
            pollfd(fd: reads ? source.watched : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: sink.watched, events: writes ? Int16(POLLOUT) : 0, revents: 0)
        )
    }

    /// Whether it wants to try again after a while, whatever poll(2) says.
    var isPaused: Bool { pausedUntil != 0 && cs_monotonic() < pausedUntil }

    /// Whether nobody else is in the middle of something there.
    private var mayWrite: Bool { filter?.mayWrite ?? true }

    /// Whether there is nothing to write, and the source has not ended.
    var isEmptyHanded: Bool { held.isEmpty && !sourceEnded }

    /// Moves what can be moved without waiting.
    func step(_ ready: Readiness) {
        guard !isFinished else { return }
        // Who reads is gone: so is our reading end, and who writes into it sees a broken pipe.
        if ready.sink & Relay.gone != 0 { return finish() }
        filter?.prepare(self)
        if held.isEmpty && ready.source != 0 { fill(hasHungUp: ready.source & Relay.gone != 0) }
        if !held.isEmpty && mayWrite && (sink.canBeTried || ready.sink & Int16(POLLOUT) != 0) { drain(ready) }
        if held.isEmpty && sourceEnded { finish() }
    }

    /// Ends it: what it still holds is lost.
    func finish() {
        guard !isFinished else { return }
        isFinished = true
        source.close()
        sink.close()
        let (call, last) = (finished, filter)
        (finished, filter) = (nil, nil)
        last?.finished()
        call?()
    }

    /// Another filter from now on, which what is not written yet goes through, too.
    ///
    /// - Parameters:
    ///   - next: takes the place of the one before.
    ///   - text: to be written first, at most as long as what closes a sequence and brings the usual set back.
    func change(_ next: any RelayFilter, after text: [UInt8]) {
        filter = next
        guard !isFinished else { return }
        let count = held.count
        let piece = Relay.margin..<Relay.margin + count
        if let base = space.baseAddress, count > 0 { memmove(base + piece.lowerBound, base + held.lowerBound, count) }
        let passed = next.pass(space, piece)
        let first = passed.lowerBound - text.count
        for (index, byte) in text.enumerated() { space[first + index] = byte }
        held = first..<passed.upperBound
    }

    private func fill(hasHungUp: Bool) {
        let result = source.read(into: UnsafeMutableRawBufferPointer(rebasing: space[Relay.margin...]))
        if result > 0 {
            carried &+= UInt64(result)
            let piece = Relay.margin..<Relay.margin + result
            hold(filter?.pass(space, piece) ?? piece)
        } else if result == 0 && endsOften && !hasHungUp {
            sayEnd()
        } else if result != -Int(EINTR) && result != -Int(EAGAIN) {
            // EIO: the terminal is gone; to the job that is the end of its input, as 0 is.
            sourceEnded = true
            sayEnd()
            if let filter { hold(filter.end(space)) }
        }
    }

    private func hold(_ piece: Range<Int>) {
        held = piece
        if let last = space[piece].last { isAtLineStart = last == UInt8(ascii: "\n") }
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
            let written = held.lowerBound..<held.lowerBound + result
            held = written.upperBound..<held.upperBound
            filter?.written(UnsafeRawBufferPointer(rebasing: space[written]))
        } else if result == 0 || result == -Int(EAGAIN) {
            // A terminal with room for one byte is called writable and does not take a newline, which it makes two of.
            if ready.sink & Int16(POLLOUT) != 0 { pausedUntil = cs_monotonic() + Relay.pause }
        } else if result != -Int(EINTR) {
            finish()
        }
    }
}
