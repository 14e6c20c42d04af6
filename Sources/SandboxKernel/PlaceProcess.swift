internal import CShims
internal import Glibc
public import SandboxPlan

/// What went wrong between the supervisor and a place.
public enum PlaceError: Error, Hashable, Sendable {
    /// A call of the supervisor itself.
    case syscall(SyscallError)
    /// A step before pid 1 runs, or of pid 1 outside the plan (`cs_pseudo_step`), and the layer that it is a part of.
    case setUp(what: String, layer: Layer?, errno: Int32)
    /// Step of the plan, counted from 0.
    case step(index: Int, errno: Int32)
    /// The other end is gone without a word.
    case gone
    case timedOut
    /// A message that has no place here.
    case unexpected(String)
}

/// pid 1 of a place, owned: dropping the value kills and reaps it, and with it everything inside.
public struct PlaceProcess: ~Copyable {
    public let control: OwnedFileDescriptor
    /// Written by the kernel and a helper until `started`, so it has a place of its own.
    private let launch: UnsafeMutablePointer<cs_launch>
    /// False when it is the one that was begun before `main` (CShims/early.c).
    private let ownsLaunch: Bool
    private var state = State.starting
    /// What pid 1 was told to begin with before there was a plan, if it was.
    public private(set) var firstSteps: FirstSteps?

    private enum State {
        case starting
        case running
        case gone
    }

    /// In the supervisor's pid namespace; only after `started`.
    public var pid: Int32 {
        precondition(state == .running, "pid 1 is not known to run")
        return launch.pointee.pid
    }

    /// What pid 1 says about itself; the index is `cs_place_value`.
    public struct Report: Hashable, Sendable {
        public var values: [Int64]
        /// The place's `/proc/sysvipc/shm`, open; whoever gets the report closes it.
        public var sharedMemory: Int32
        /// Controlling ends of the place's terminals; the same.
        public var terminals: [Int32]
    }

    /// What reached the supervisor on the control socket.
    public enum Event: Hashable, Sendable {
        /// All mounts are made, and pid 1 is in its new root; it goes on with what is no mount.
        case mounted
        case ready(Report)
        /// `inside` is the process's pid in the place, `dumpable` pid 1's own flag: 0 from here on (prctl(2)
        /// PR_GET_DUMPABLE).
        case started(id: UInt32, inside: Int64, dumpable: Int64)
        /// `wasLast`: the place ends with it, and the job has left no other process. `isExecUnsure`: a signal ended it, and
        /// nobody can say that it had reached its execve(2).
        case exited(
            id: UInt32,
            status: Int32,
            userMicroseconds: Int64,
            systemMicroseconds: Int64,
            maximumRSSKiB: Int64,
            wasLast: Bool,
            isExecUnsure: Bool
        )
        case timedOut
        /// The process could not be made; the place goes on.
        case notStarted(id: UInt32, errno: Int32)
        /// A process with a terminal was stopped by this signal.
        case stopped(id: UInt32, signal: Int32)
        case gone
    }

    /// Begins to make the namespaces and pid 1 in them, which will stand at gate A; `started` tells when it does.
    ///
    /// Every signal must be blocked in the calling process.
    ///
    /// - Parameters:
    ///   - identity: of the worker.
    ///   - namespaces: what is made.
    ///   - executable: path of `codex-sandbox`; nil where this process is one.
    ///   - group: the cgroup that pid 1 is born in, if the kernel lets it; nil for the caller's own.
    /// - Throws: `PlaceError`.
    public init(
        identity: IdentityPlan,
        namespaces: [Layer],
        executable: OSString? = nil,
        group: LimitGroup? = nil
    ) throws(PlaceError) {
        let pair = try Gate.pair("control", credentials: false)
        let ours = OwnedFileDescriptor(owning: pair.ours)
        let theirs = OwnedFileDescriptor(owning: pair.theirs)
        let own: OwnedFileDescriptor
        do throws(SyscallError) {
            let path = executable ?? "/proc/self/exe"
            let number = try checkedKernel("openat2", on: path.description) {
                path.withCString { cs_openat2(AT_FDCWD, $0, UInt64(CS_O_PATH), 0, 0) }
            }
            own = OwnedFileDescriptor(owning: Int32(number))
        } catch { throw .setUp(what: error.call, layer: nil, errno: error.errno) }
        let launch = UnsafeMutablePointer<cs_launch>.allocate(capacity: 1)
        launch.initialize(to: cs_launch())
        launch.pointee.namespaces = PlaceProcess.flags(namespaces)
        launch.pointee.uid = identity.uid
        launch.pointee.gid = identity.gid
        launch.pointee.drop_root = identity.dropsFromRoot ? 1 : 0
        launch.pointee.control = theirs.number
        launch.pointee.`self` = own.number
        launch.pointee.cgroup = group?.descriptor ?? 0
        if cs_launch_begin(launch) != 0 {
            let error = PlaceProcess.failure(launch)
            launch.deallocate()
            throw error
        }
        self.launch = launch
        ownsLaunch = true
        control = ours
        // Open until pid 1 has its copies; `finish` closes them.
        _ = theirs.release()
        _ = own.release()
    }

    /// Takes over what was begun before `main`, if it was begun with these ids and namespaces; else it is taken away.
    public static func begun(identity: IdentityPlan, namespaces: [Layer]) -> PlaceProcess? {
        guard let begun = cs_early_take() else { return nil }
        let place = PlaceProcess(begun)
        let launch = begun.pointee.launch
        let isSame =
            launch.uid == identity.uid && launch.gid == identity.gid
            && (launch.drop_root == 1) == identity.dropsFromRoot
            && launch.namespaces == PlaceProcess.flags(namespaces)
        if isSame { return place }
        return nil
    }

    private init(_ begun: UnsafeMutablePointer<cs_early>) {
        // Its first member.
        launch = UnsafeMutableRawPointer(begun).assumingMemoryBound(to: cs_launch.self)
        ownsLaunch = false
        control = OwnedFileDescriptor(owning: begun.pointee.control)
        let steps = begun.pointee.first_steps
        firstSteps = steps >= 0 ? FirstSteps(reading: OwnedFileDescriptor(owning: steps)) : nil
    }

    deinit {
        PlaceProcess.end(launch, state)
        if ownsLaunch { launch.deallocate() }
    }

    /// Waits until pid 1 runs.
    ///
    /// - Throws: `PlaceError` when the kernel did not allow it; no process is left then.
    public mutating func started() throws(PlaceError) {
        guard state == .starting else { return }
        state = PlaceProcess.finish(launch) ? .running : .gone
        if state == .gone { throw PlaceProcess.failure(launch) }
    }

    /// Waits for the helper that made pid 1, which has ended long since: for when there is time, as the kernel takes as long for it as
    /// for ten other calls.
    ///
    /// What it did is known without it.
    public func settle() { _ = cs_launch_settle(launch) }

    private static func finish(_ launch: UnsafeMutablePointer<cs_launch>) -> Bool {
        let result = cs_launch_finish(launch)
        _ = close(launch.pointee.control)
        _ = close(launch.pointee.`self`)
        return result == 0
    }

    private static func failure(_ launch: UnsafeMutablePointer<cs_launch>) -> PlaceError {
        SetUpStep.failure(launch.pointee.failed_step, errno: launch.pointee.failed_error)
    }

    /// Kills pid 1, and by that every process of the place, and waits until all are gone (pid_namespaces(7)).
    public mutating func end() {
        PlaceProcess.end(launch, state)
        state = .gone
    }

    private static func end(_ launch: UnsafeMutablePointer<cs_launch>, _ state: State) {
        if state == .gone { return }
        // A launch that ends before the gate: what fails here would only keep us on one processor.
        _ = cs_processors_restore(&launch.pointee.processors, 0)
        if state == .starting && !finish(launch) { return }
        _ = cs_launch_settle(launch)
        let pid = launch.pointee.pid
        // Both, so that not even a kernel that refuses the one, or only says yes, leaves a place behind, or us waiting for it; the number
        // of our own child cannot be reused.
        _ = cs_pidfd_kill(launch.pointee.pidfd, SIGKILL)
        _ = Glibc.kill(pid, SIGKILL)
        cs_await_end(launch.pointee.pidfd)
        var status: Int32 = 0
        if cs_wait(pid, 1, &status, nil) < 0 {
            var information = siginfo_t()
            _ = waitid(P_PID, id_t(pid), &information, WEXITED)
        }
        _ = close(launch.pointee.pidfd)
    }

    /// Kills pid 1, and with it everything inside, without waiting: for whoever is not its parent.
    public func kill() {
        if cs_pidfd_kill(launch.pointee.pidfd, SIGKILL) < 0 { _ = Glibc.kill(launch.pointee.pid, SIGKILL) }
    }

    /// Opens gate A: pid 1 carries out the plan in this sealed memfd.
    ///
    /// - Parameters:
    ///   - plan: the sealed memfd.
    ///   - done: steps of it that pid 1 was told already.
    ///   - idMapped: real path of a folder of root to be shown ID-mapped to `id`, if the plan has one.
    ///   - id: the worker's.
    /// - Throws: `PlaceError`.
    public func go(
        plan: borrowing OwnedFileDescriptor,
        done: Int,
        idMapped: OSString?,
        id: UInt32
    ) throws(PlaceError) {
        let done = Int64(done)
        guard let idMapped else { return try send(CS_MESSAGE_GO.rawValue, value: done, descriptors: [plan.number]) }
        let result = idMapped.withCString { cs_idmapped_tree($0, id) }
        if result < 0 {
            let failure = SyscallError(call: "mount_setattr", subject: idMapped.description, errno: Int32(-result))
            throw .syscall(failure)
        }
        let tree = OwnedFileDescriptor(owning: Int32(result))
        try send(CS_MESSAGE_GO.rawValue, value: done, descriptors: [plan.number, tree.number])
    }

    /// Asks pid 1 for one process; the descriptors are copied into the request.
    ///
    /// A request that comes before the place is ready waits in the socket until it is.
    ///
    /// - Parameters:
    ///   - id: what events call it.
    ///   - request: sealed memfd of `SpawnLowering`.
    ///   - gate: the process's end of its gate.
    ///   - stdio: what it gets as 0, 1 and 2.
    ///   - endsPlace: whether pid 1 ends, and everything with it, as soon as it has reported this process's end.
    ///   - hasTerminal: whether it runs in the foreground of the place's first terminal, as the request says too.
    /// - Throws: `PlaceError`.
    public func spawn(
        id: UInt32,
        request: borrowing OwnedFileDescriptor,
        gate: borrowing OwnedFileDescriptor,
        stdio: [Int32],
        endsPlace: Bool,
        hasTerminal: Bool
    ) throws(PlaceError) {
        try send(
            CS_MESSAGE_SPAWN.rawValue,
            id: id,
            value: endsPlace ? 1 : 0,
            second: hasTerminal ? 1 : 0,
            descriptors: [request.number, gate.number] + stdio
        )
    }

    /// Gives the supervisor, pid 1 and a process at its gate the caller's set of processors (CShims/processors.c).
    ///
    /// - Parameter pid: the process in the supervisor's pid namespace.
    /// - Throws: `PlaceError`.
    public func freeProcessors(of pid: Int32) throws(PlaceError) {
        for process in [0, pid, self.pid] {
            let result = cs_processors_restore(&launch.pointee.processors, process)
            if result < 0 {
                throw .syscall(SyscallError(call: "sched_setaffinity", subject: "\(process)", errno: Int32(-result)))
            }
        }
    }

    /// Whether a process may use exactly the processors that the supervisor may.
    public static func hasOwnProcessors(_ pid: Int32) -> Bool { cs_processors_same(pid) == 1 }

    /// Sends a signal to the process group of a process of the place.
    public func signal(_ number: Int32, id: UInt32) throws(PlaceError) {
        try send(CS_MESSAGE_SIGNAL.rawValue, id: id, value: Int64(number))
    }

    private func send(
        _ kind: UInt32,
        id: UInt32 = 0,
        value: Int64 = 0,
        second: Int64 = 0,
        descriptors: [Int32] = []
    ) throws(PlaceError) {
        var message = cs_message()
        message.kind = kind
        message.id = id
        message.value.0 = value
        message.value.1 = second
        let result = cs_send(control.number, &message, descriptors, Int32(descriptors.count))
        if result == Int(-EPIPE) || result == Int(-ECONNRESET) { throw .gone }
        if result < 0 {
            throw .syscall(SyscallError(call: "sendmsg", subject: "control", errno: Int32(-result)))
        }
    }

    /// The next event; a failure that pid 1 reports is thrown.
    ///
    /// - Parameter timeout: milliseconds; -1 waits for ever.
    /// - Returns: the event; `.gone` at end of file.
    /// - Throws: `PlaceError`, with the step and errno when pid 1 names one.
    public func event(timeout: Int32) throws(PlaceError) -> Event {
        let message: cs_message
        switch try Gate.receive(control.number, timeout: timeout) {
        case .endOfFile: return .gone
        case .message(let received, _, let passed):
            message = received
            if message.kind == CS_MESSAGE_PLACE_READY.rawValue, let list = passed.first {
                let terminals = Array(passed.dropFirst())
                return .ready(Report(values: Gate.values(message), sharedMemory: list, terminals: terminals))
            }
            for descriptor in passed { _ = close(descriptor) }
        }
        let values = Gate.values(message)
        switch message.kind {
        case CS_MESSAGE_MOUNTED.rawValue: return .mounted
        case CS_MESSAGE_STARTED.rawValue:
            return .started(id: message.id, inside: values[0], dumpable: values[1])
        case CS_MESSAGE_TIMED_OUT.rawValue: return .timedOut
        case CS_MESSAGE_NOT_STARTED.rawValue: return .notStarted(id: message.id, errno: message.error)
        case CS_MESSAGE_STOPPED.rawValue:
            return .stopped(id: message.id, signal: Int32(truncatingIfNeeded: values[0]))
        case CS_MESSAGE_EXITED.rawValue:
            return .exited(
                id: message.id,
                status: Int32(truncatingIfNeeded: values[0]),
                userMicroseconds: values[1],
                systemMicroseconds: values[2],
                maximumRSSKiB: values[3],
                wasLast: values[4] == 1,
                isExecUnsure: values[5] != 0
            )
        case CS_MESSAGE_FAILED.rawValue: throw Gate.failure(message)
        default: throw .unexpected("message \(message.kind) on the control socket")
        }
    }

    private static func flags(_ layers: [Layer]) -> UInt64 {
        var flags: UInt64 = 0
        for layer in layers {
            switch layer {
            case .userNamespace: flags |= UInt64(CS_NEWUSER)
            case .mountNamespace: flags |= UInt64(CS_NEWNS)
            case .pidNamespace: flags |= UInt64(CS_NEWPID)
            case .networkNamespace: flags |= UInt64(CS_NEWNET)
            case .ipcNamespace: flags |= UInt64(CS_NEWIPC)
            case .utsNamespace: flags |= UInt64(CS_NEWUTS)
            case .cgroupNamespace: flags |= UInt64(CS_NEWCGROUP)
            case .mounts, .landlock, .seccomp, .noNewPrivileges, .capabilities, .nestedNamespaces, .keyring,
                .descriptors, .environment, .attributes, .rlimits, .memory, .wallClock:
                preconditionFailure("\(layer.rawValue) is no namespace")
            }
        }
        return flags
    }
}
