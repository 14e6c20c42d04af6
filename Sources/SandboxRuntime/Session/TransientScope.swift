internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// A scope of the user's service manager for this process, where the group that it stands in is not its to divide
/// (systemd.scope(5)).
///
/// `codex-sandboxd scope` asks for it, which links libsystemd: it gets the two variables that name the bus, and nothing else.
enum TransientScope {
    /// How long a launch waits for it at most, from the question until this process stands there.
    static let patience: UInt64 = 5_000

    /// Whether to ask, before anything of the launch is begun: what is begun here could not be moved along.
    static func wish(_ options: LaunchOptions) -> ScopeRequest {
        options.fullAccess ? .none : CgroupHost().scope(options.variable)
    }

    /// What a record says where nobody was to be asked, beside what the host has.
    static func unasked(_ request: ScopeRequest, _ offer: CgroupOffer) -> ScopeRequest {
        guard request == .none, geteuid() != 0, case .none(let absence) = offer, absence.isMendedByScope else {
            return request
        }
        return .kept("the environment names no bus of this user's")
    }

    /// What `run` will do, for `explain`: it asks wherever that may help, if the policy requires what only a cgroup holds.
    static func announced(_ limits: LimitPolicy, _ options: LaunchOptions, _ offer: CgroupOffer) -> ScopeRequest {
        if !limits.requireKernel.isEmpty, geteuid() != 0, case .none(let absence) = offer, absence.isMendedByScope,
            UserBus.mayBeThere(options.variable)
        {
            return .wanted
        }
        return unasked(wish(options), offer)
    }

    /// Moves this process into a scope of its own, where that is wished for, or the policy wants what only it can hold.
    ///
    /// - Parameters:
    ///   - wish: what `wish` has said.
    ///   - limits: of the policy.
    ///   - id: the launch, by which the scope is called.
    ///   - options: the caller's environment, for the address of the bus.
    /// - Returns: what became of it.
    static func enter(
        _ wish: ScopeRequest,
        _ limits: LimitPolicy,
        _ id: LaunchID,
        _ options: LaunchOptions
    ) -> ScopeRequest {
        if wish != .wanted {
            if limits.requireKernel.isEmpty || geteuid() == 0 { return wish }
            guard case .none(let absence) = CgroupHost().offer(), absence.isMendedByScope else { return wish }
        }
        guard case .found(let program) = CompanionExecutable.find() else {
            return .failed("codex-sandboxd, which would ask for it, is not there")
        }
        return ask(program, id, environment(options))
    }

    /// The two variables that name the bus, as getenv(3) finds them.
    static func environment(_ options: LaunchOptions) -> [OSString] {
        var environment: [OSString] = []
        for name in UserBus.variables {
            if let value = options.variable(name) { environment.append(OSString(Array("\(name)=".utf8) + value.bytes)) }
        }
        return environment
    }

    /// Has it asked for.
    ///
    /// - Parameters:
    ///   - program: `codex-sandboxd`.
    ///   - id: the launch.
    ///   - environment: all that it gets.
    ///   - patience: in milliseconds.
    /// - Returns: `.entered` or `.failed`.
    static func ask(
        _ program: OSString,
        _ id: LaunchID,
        _ environment: [OSString],
        patience: UInt64 = patience
    ) -> ScopeRequest {
        let end = now() + patience
        var pair: [Int32] = [-1, -1]
        let piped = cs_pipe(&pair)
        if piped < 0 { return .failed("pipe2: \(SandboxPlan.ErrnoName.described(Int32(-piped)))") }
        let output = OwnedFileDescriptor(owning: pair[0])
        let pid: Int32
        do throws(Refusal) {
            pid = try PolicyCompilerProcess.start(
                program,
                words: ["scope", "\(getpid())", id.description],
                environment: environment,
                input: nil,
                output: OwnedFileDescriptor(owning: pair[1])
            )
        } catch { return .failed("\(program): \(SandboxPlan.ErrnoName.described(error.errno))") }
        let said = words(output.number, until: end)
        // Nobody reaps it but us, so the number is still its own. What it has asked for may come all the same: an empty scope, or one
        // around this process alone, which ends with it.
        if said == nil { _ = kill(pid, SIGKILL) }
        var status: Int32 = 0
        let waited = cs_wait(pid, 1, &status, nil)
        let seconds = "\(patience / 1000) seconds"
        guard let said else { return .failed("no answer from the user's bus in \(seconds)") }
        guard waited >= 0, status == 0 else {
            return .failed(said.isEmpty ? "codex-sandboxd scope ended with wait status \(status)" : said)
        }
        let unit = "codex-sandbox-\(id).scope"
        return isInside(unit, until: end)
            ? .entered(unit: unit) : .failed("the user's service manager has not moved this process in \(seconds)")
    }

    /// Milliseconds of a clock that nobody sets.
    private static func now() -> UInt64 {
        var time = timespec()
        _ = clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }

    /// The first line until the other end is closed, cut and escaped: whoever listens at the bus may have chosen it.
    ///
    /// - Returns: nil when the time has passed.
    private static func words(_ descriptor: Int32, until end: UInt64) -> String? {
        let most = 300
        var bytes: [UInt8] = []
        while true {
            let now = now()
            if now >= end { return nil }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&waiting, 1, Int32(end - now)) <= 0 { continue }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
            // What is more is read and dropped, so that who writes it comes to an end.
            if bytes.count < most { bytes += chunk.prefix(count) }
        }
        return OSString(Array(bytes.prefix { $0 != 0x0A }.prefix(most))).description
    }

    /// The manager answers before it has done it.
    private static func isInside(_ unit: String, until end: UInt64) -> Bool {
        let unit = OSString(unit)
        while true {
            do throws(SyscallError) {
                if CgroupName.of(try FileReading.read("/proc/self/cgroup"))?.lastComponent == unit { return true }
            } catch { return false }
            if now() >= end { return false }
            var pause = timespec(tv_sec: 0, tv_nsec: 500_000)
            _ = nanosleep(&pause, nil)
        }
    }
}
