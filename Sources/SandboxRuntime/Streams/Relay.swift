internal import CShims
internal import Glibc

/// Carries bytes from one descriptor to another with at most 64 KiB in between.
///
/// A class because poll(2) tables, the loop and the streams all speak of the same one.
final class Relay {
    private let from: Int32
    private let to: Int32
    /// The end of our own pipe, closed when the relay ends.
    private let owned: Int32
    private var buffer: [UInt8] = []
    private var sourceEnded = false
    private(set) var finished = false

    private static let capacity = 65536

    init(from: Int32, to: Int32, owns owned: Int32) {
        self.from = from
        self.to = to
        self.owned = owned
    }

    deinit {
        finish()
    }

    /// Whether it carries the job's output to the caller.
    var isOutward: Bool { owned == from }

    /// What to wait for now: the source while there is room, the sink while there is something for it.
    var interest: pollfd? {
        if finished { return nil }
        if !buffer.isEmpty { return pollfd(fd: to, events: Int16(POLLOUT), revents: 0) }
        return pollfd(fd: from, events: Int16(POLLIN), revents: 0)
    }

    /// Moves what can be moved without waiting; call it when poll(2) named the descriptor.
    func step() {
        if buffer.isEmpty { fill() }
        if !buffer.isEmpty { drain() }
        if buffer.isEmpty && sourceEnded { finish() }
    }

    /// Everything that is still in our pipe after every writer is gone; ends when the sink takes nothing for a second.
    func drainToEnd() {
        while !finished {
            guard var waiting = interest else { return }
            let ready = poll(&waiting, 1, 1000)
            if ready < 0 && errno == EINTR { continue }
            if ready <= 0 { return }
            step()
        }
    }

    private func fill() {
        let source = from
        var failure: Int32 = 0
        buffer = [UInt8](unsafeUninitializedCapacity: Relay.capacity) { space, count in
            let result = read(source, space.baseAddress, Relay.capacity)
            failure = result < 0 ? errno : 0
            count = max(result, 0)
        }
        if failure == EINTR || failure == EAGAIN { return }
        // EIO: the terminal is gone, or we are in its background; to the job that is the end of its input.
        if failure != 0 || buffer.isEmpty { sourceEnded = true }
    }

    private func drain() {
        // Small pieces: a blocking terminal that has room takes at least this much without waiting.
        let sink = to
        let written = buffer.withUnsafeBytes { write(sink, $0.baseAddress, min($0.count, 4096)) }
        let code = errno
        if written >= 0 {
            buffer.removeFirst(written)
        } else if code != EINTR && code != EAGAIN {
            // The reader is gone: so is the writer's, which sees it as a broken pipe.
            buffer = []
            sourceEnded = true
        }
    }

    private func finish() {
        guard !finished else { return }
        finished = true
        _ = close(owned)
    }
}
