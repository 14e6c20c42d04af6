internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Watches a place while its supervisor is stopped: a copy of it, in a session of its own.
///
/// A job stops by the keyboard, or because it wants to; what it has started in other groups runs on, and would be watched by
/// nobody. The copy looks as the supervisor does, and ends the place when there is something to be seen. It goes when the
/// supervisor goes on, or is gone.
struct StandIn: ~Copyable {
    private let pid: Int32
    /// Held by the supervisor alone: the copy sees its end.
    private let lifeline: OwnedFileDescriptor
    private let findings: OwnedFileDescriptor

    /// One look: what is wrong, or the time until the next.
    enum Look {
        case wrong(Finding)
        case again(nanoseconds: Int64)
    }

    enum Finding {
        case lost(String)
        case memory(used: UInt64)
        case disk(used: UInt64)
    }

    /// - Parameters:
    ///   - place: which it ends.
    ///   - mounts: to be waited for.
    ///   - look: looks at everything; called in the copy alone.
    /// - Returns: nil where no copy can be made: then nothing may be stopped.
    static func begin(
        _ place: borrowing PlaceProcess,
        mounts: Int32,
        _ look: () -> Look
    ) -> StandIn? {
        var line: [Int32] = [-1, -1]
        var answer: [Int32] = [-1, -1]
        guard cs_pipe(&line) >= 0 else { return nil }
        guard cs_pipe(&answer) >= 0 else {
            for number in line { _ = close(number) }
            return nil
        }
        let pid = cs_fork()
        if pid == 0 { watch(place, mounts: mounts, lifeline: line, answer: answer, look) }
        _ = close(line[0])
        _ = close(answer[1])
        let lifeline = OwnedFileDescriptor(owning: line[1])
        let findings = OwnedFileDescriptor(owning: answer[0])
        guard pid > 0 else { return nil }
        // Its first word: from here on it watches, and no signal of the terminal reaches it.
        var ready: UInt8 = 0
        guard read(findings.number, &ready, 1) == 1 else {
            _ = kill(Int32(pid), SIGKILL)
            var status: Int32 = 0
            _ = cs_wait(Int32(pid), 1, &status, nil)
            return nil
        }
        return StandIn(pid: Int32(pid), lifeline: lifeline, findings: findings)
    }

    private init(pid: Int32, lifeline: consuming OwnedFileDescriptor, findings: consuming OwnedFileDescriptor) {
        self.pid = pid
        self.lifeline = lifeline
        self.findings = findings
    }

    /// The supervisor goes on.
    ///
    /// - Returns: what was found meanwhile, if anything.
    consuming func end() -> Finding? {
        let pid = pid
        let findings = findings
        StandIn.dropped(lifeline)
        var text: [UInt8] = []
        while text.count < 8192 {
            let piece = [UInt8](unsafeUninitializedCapacity: 4096) { space, count in
                count = max(0, read(findings.number, space.baseAddress, 4096))
            }
            if piece.isEmpty { break }
            text += piece
        }
        var status: Int32 = 0
        _ = cs_wait(pid, 1, &status, nil)
        guard let kind = text.first else {
            // It went without a word: nobody knows what happened meanwhile.
            return status == 0 ? nil : .lost("who watched while the launcher was stopped ended with status \(status)")
        }
        let rest = String(decoding: text.dropFirst(), as: UTF8.self)
        if kind == UInt8(ascii: "m") { return .memory(used: UInt64(rest) ?? UInt64.max) }
        if kind == UInt8(ascii: "d") { return .disk(used: UInt64(rest) ?? UInt64.max) }
        return .lost(rest)
    }

    private static func dropped(_ descriptor: consuming OwnedFileDescriptor) {}

    /// The copy; never returns.
    private static func watch(
        _ place: borrowing PlaceProcess,
        mounts: Int32,
        lifeline: [Int32],
        answer: [Int32],
        _ look: () -> Look
    ) -> Never {
        _ = close(lifeline[1])
        _ = close(answer[0])
        let all = cs_block_all_signals()
        // pid 1 must not take this copy for its supervisor.
        _ = close(place.control.number)
        guard all >= 0, cs_stand_apart() >= 0 else { _exit(1) }
        var ready = UInt8(ascii: "r")
        guard write(answer[1], &ready, 1) == 1 else { _exit(1) }
        while true {
            let wait: Int64
            switch look() {
            case .wrong(let finding):
                place.kill()
                let text =
                    switch finding {
                    case .lost(let what): "l" + what
                    case .memory(let used): "m\(used)"
                    case .disk(let used): "d\(used)"
                    }
                let bytes = Array(text.utf8.prefix(4000))
                _ = write(answer[1], bytes, bytes.count)
                _exit(0)
            case .again(let nanoseconds): wait = nanoseconds
            }
            var table = [
                pollfd(fd: lifeline[0], events: Int16(POLLIN), revents: 0),
                pollfd(fd: mounts, events: Int16(POLLPRI), revents: 0),
            ]
            _ = poll(&table, 2, Int32(clamping: max(1, wait / 1_000_000)))
            if table[0].revents != 0 { _exit(0) }
        }
    }
}
