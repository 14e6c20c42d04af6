import Glibc

/// A FIFO whose other end the job's processes hold: its end-of-file is the event that all of them are gone.
public final class Lifeline {
    public let path: String
    private let descriptor: Int32

    /// Makes it in the workspace; who opens it for writing inside, holds it.
    public init(in scene: Scene) throws {
        path = scene.workspace + "/lifeline"
        try check("mkfifo", path, mkfifo(path, 0o600))
        try scene.own(path)
        descriptor = try check("open", path, open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC))
    }

    deinit { close(descriptor) }

    /// Waits until nobody holds it any more; false if somebody still does after that time.
    ///
    /// Call it when the holders are known to have it open.
    public func isReleased(within limit: Duration) -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + limit
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let (seconds, attoseconds) = (end - clock.now).components
            let left = Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
            guard left > 0 else { return false }
            let count = poll(&entry, 1, left)
            if count > 0 && entry.revents & Int16(POLLHUP) != 0 { return true }
            if count == 0 { return false }
            var byte: UInt8 = 0
            _ = read(descriptor, &byte, 1)
        }
    }
}
