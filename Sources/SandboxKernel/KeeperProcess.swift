internal import CShims
internal import Glibc
internal import SandboxPlan

/// The keeper of a job without namespaces, owned: dropping the value ends it, and with it the job (CShims/landlock_only.c).
public struct KeeperProcess: ~Copyable {
    public let control: OwnedFileDescriptor
    /// In the supervisor's pid namespace; not reaped before `end`, so the number is nobody else's.
    public let pid: Int32
    private let pidfd: OwnedFileDescriptor
    /// The list of the supervisor's own children: what the keeper leaves behind becomes one.
    private let children: OwnedFileDescriptor
    private var isOver = false

    /// What reached the supervisor on the control socket.
    public enum Event: Hashable, Sendable {
        /// It has carried out every step; the index is `cs_place_value` and `cs_keeper_value`.
        case ready([Int64])
        /// `dumpable` is the keeper's own flag: 0 from here on (prctl(2) PR_GET_DUMPABLE).
        case started(pid: Int64, dumpable: Int64)
        case notStarted(errno: Int32)
        /// `isAll`: the kernel has said that there is no child left (wait4(2), ECHILD). `isKilled`: by a signal.
        case exited(
            status: Int32,
            userMicroseconds: Int64,
            systemMicroseconds: Int64,
            maximumRSSKiB: Int64,
            isAll: Bool,
            isKilled: Bool
        )
        case timedOut
        case gone
    }

    /// Milliseconds that the keeper has for its sweep, and the supervisor for its own.
    private static let patience: UInt32 = 12_000

    /// Forks the keeper, which waits for the plan.
    ///
    /// Every signal must be blocked. From here on whatever the keeper leaves behind becomes this process's child.
    ///
    /// - Throws: `PlaceError`; nothing is left then.
    public init() throws(PlaceError) {
        let list = cs_adopt_orphans()
        if list < 0 {
            throw .syscall(
                SyscallError(call: "open", subject: "/proc/thread-self/children", errno: Int32(-list))
            )
        }
        let children = OwnedFileDescriptor(owning: Int32(list))
        let pair = try Gate.pair("control", credentials: false)
        let ours = OwnedFileDescriptor(owning: pair.ours)
        let theirs = OwnedFileDescriptor(owning: pair.theirs)
        let own = "/proc/self/exe".withCString { cs_openat2(AT_FDCWD, $0, UInt64(CS_O_PATH), 0, 0) }
        if own < 0 { throw .syscall(SyscallError(call: "openat2", subject: "/proc/self/exe", errno: Int32(-own))) }
        let executable = OwnedFileDescriptor(owning: Int32(own))
        var number: Int32 = -1
        let result = cs_keeper_start(theirs.number, executable.number, &number)
        guard result > 0, number >= 0 else {
            throw .syscall(SyscallError(call: "clone", subject: "keeper", errno: result < 0 ? Int32(-result) : EIO))
        }
        pid = Int32(result)
        pidfd = OwnedFileDescriptor(owning: number)
        control = ours
        self.children = children
    }

    deinit {
        if !isOver { _ = KeeperProcess.end(control.number, pidfd.number, pid, children.number) }
    }

    /// Ends the keeper and everything that the job has left, and waits for it.
    ///
    /// - Returns: whether the kernel has said that nothing is left; false too when it was ended already.
    public mutating func end() -> Bool {
        if isOver { return false }
        isOver = true
        return KeeperProcess.end(control.number, pidfd.number, pid, children.number)
    }

    private static func end(_ control: Int32, _ pidfd: Int32, _ pid: Int32, _ children: Int32) -> Bool {
        // The end of its socket is its word to sweep.
        _ = shutdown(control, Int32(SHUT_RDWR))
        var waiting = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        let until = cs_monotonic() + Int64(patience) * 1_000_000
        while cs_monotonic() < until {
            if poll(&waiting, 1, 100) > 0 { break }
        }
        if waiting.revents == 0, cs_pidfd_kill(pidfd, SIGKILL) < 0 { _ = Glibc.kill(pid, SIGKILL) }
        // The keeper is one of the children, and what it has not got to is one by now.
        return cs_end_children(children, patience) == 0
    }

    /// Lets it carry out the plan in this sealed memfd.
    public func go(plan: borrowing OwnedFileDescriptor) throws(PlaceError) {
        try send(CS_MESSAGE_GO.rawValue, descriptors: [plan.number])
    }

    /// Asks for the worker; the descriptors are copied into the request.
    ///
    /// - Parameters:
    ///   - request: sealed memfd of `SpawnLowering`.
    ///   - gate: the worker's end of its gate.
    ///   - stdio: what it gets as 0, 1 and 2.
    /// - Throws: `PlaceError`.
    public func spawn(
        request: borrowing OwnedFileDescriptor,
        gate: borrowing OwnedFileDescriptor,
        stdio: [Int32]
    ) throws(PlaceError) {
        try send(CS_MESSAGE_SPAWN.rawValue, value: 1, descriptors: [request.number, gate.number] + stdio)
    }

    /// Sends a signal to the worker's process group.
    public func signal(_ number: Int32) throws(PlaceError) {
        try send(CS_MESSAGE_SIGNAL.rawValue, value: Int64(number))
    }

    private func send(_ kind: UInt32, value: Int64 = 0, descriptors: [Int32] = []) throws(PlaceError) {
        var message = cs_message()
        message.kind = kind
        message.id = 1
        message.value.0 = value
        let result = cs_send(control.number, &message, descriptors, Int32(descriptors.count))
        if result == Int(-EPIPE) || result == Int(-ECONNRESET) { throw .gone }
        if result < 0 { throw .syscall(SyscallError(call: "sendmsg", subject: "control", errno: Int32(-result))) }
    }

    /// The next event; a failure that the keeper reports is thrown.
    ///
    /// - Parameter timeout: milliseconds.
    /// - Returns: the event; `.gone` at end of file.
    /// - Throws: `PlaceError`, with the step and errno when the keeper names one.
    public func event(timeout: Int32) throws(PlaceError) -> Event {
        let message: cs_message
        switch try Gate.receive(control.number, timeout: timeout) {
        case .endOfFile: return .gone
        case .message(let received, _, let passed):
            for descriptor in passed { _ = close(descriptor) }
            if !passed.isEmpty { throw .unexpected("a descriptor from the keeper") }
            message = received
        }
        let values = Gate.values(message)
        switch message.kind {
        case CS_MESSAGE_PLACE_READY.rawValue: return .ready(values)
        case CS_MESSAGE_STARTED.rawValue: return .started(pid: values[0], dumpable: values[1])
        case CS_MESSAGE_NOT_STARTED.rawValue: return .notStarted(errno: message.error)
        case CS_MESSAGE_TIMED_OUT.rawValue: return .timedOut
        case CS_MESSAGE_EXITED.rawValue:
            return .exited(
                status: Int32(truncatingIfNeeded: values[0]),
                userMicroseconds: values[1],
                systemMicroseconds: values[2],
                maximumRSSKiB: values[3],
                isAll: values[4] == 1,
                isKilled: values[5] != 0
            )
        case CS_MESSAGE_FAILED.rawValue: throw Gate.failure(message)
        default: throw .unexpected("message \(message.kind) from the keeper")
        }
    }
}
