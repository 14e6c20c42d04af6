internal import Glibc
internal import SandboxRuntime
internal import WorkspaceStore

/// Our ends of a worker's output, read as it comes.
struct OutputStreams {
    private var open: [(number: Int32, kind: JobEvent.Kind)] = []

    /// Takes the descriptors over.
    init(_ ends: ProcessOptions.Ends) {
        if let output = ends.output { open.append((output, .stdout)) }
        if let errors = ends.errors { open.append((errors, .stderr)) }
    }

    var areClosed: Bool { open.isEmpty }

    mutating func close() {
        for (number, _) in open { _ = Glibc.close(number) }
        open = []
    }

    /// What has come, at most 64 KiB of each; waits `wait` milliseconds for something of them, or of the descriptors `others`.
    mutating func read(_ others: [Int32], wait: Int32) -> [(JobEvent.Kind, [UInt8])] {
        var polled = (open.map(\.number) + others).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        guard poll(&polled, nfds_t(polled.count), wait) > 0 else { return [] }
        var found: [(JobEvent.Kind, [UInt8])] = []
        var ended: [Int32] = []
        for (index, stream) in open.enumerated() where polled[index].revents != 0 {
            let bytes = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
                let result = Glibc.read(stream.number, buffer.baseAddress, buffer.count)
                count = max(result, 0)
                // A pipe that cannot be read any more says no more.
                if result == 0 || result < 0 && errno != EINTR && errno != EAGAIN { ended.append(stream.number) }
            }
            if !bytes.isEmpty { found.append((stream.kind, bytes)) }
        }
        for number in ended {
            _ = Glibc.close(number)
            open.removeAll { $0.number == number }
        }
        return found
    }
}
