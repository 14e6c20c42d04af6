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
    ///   - table: this process's groups.
    /// - Returns: `.entered` or `.failed`.
    static func ask(
        _ program: OSString,
        _ id: LaunchID,
        _ environment: [OSString],
        patience: UInt64 = patience,
        table: OSString = "/proc/self/cgroup"
    ) -> ScopeRequest {
        let unit = "codex-sandbox-\(id).scope"
        let place = Place(unit: OSString(unit), table: table)
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
        let heard = hear(output.number, place, until: end)
        // Nobody reaps it but us, so the number is still its own. What it has asked for may come all the same: an empty scope, or one
        // around this process alone, which ends with it.
        if case .words = heard {} else { _ = kill(pid, SIGKILL) }
        var status: Int32 = 0
        let waited = cs_wait(pid, 1, &status, nil)
        let seconds = "\(patience / 1000) seconds"
        switch heard {
        case .moved: return .entered(unit: unit)
        case .silence: return .failed("no answer from the user's bus in \(seconds)")
        case .words(let said):
            guard waited >= 0, status == 0 else {
                return .failed(said.isEmpty ? "codex-sandboxd scope ended with wait status \(status)" : said)
            }
            return isInside(place, until: end)
                ? .entered(unit: unit)
                : .failed("the user's service manager has not moved this process in \(seconds)")
        }
    }

    /// Where this process is to stand, and where it says where it stands.
    private struct Place {
        let unit: OSString
        let table: OSString

        var isHere: Bool {
            do throws(SyscallError) {
                return CgroupName.of(try FileReading.read(table))?.lastComponent == unit
            } catch { return false }
        }
    }

    /// What came of the question.
    private enum Heard {
        /// Who has asked for us has ended, with these words.
        case words(String)
        /// This process stands there: a bus may keep the manager's signal to itself.
        case moved
        /// The time has passed.
        case silence
    }

    /// Longer from time to time, so that a manager that does nothing costs nothing: 1 ms at first, 10 ms at most.
    private static func longer(_ pause: Int32) -> Int32 { min(pause * 2, 10) }

    /// Milliseconds of a clock that nobody sets.
    private static func now() -> UInt64 {
        var time = timespec()
        _ = clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }

    /// The first line until the other end is closed, cut and escaped: whoever listens at the bus may have chosen it.
    private static func hear(_ descriptor: Int32, _ place: Place, until end: UInt64) -> Heard {
        let most = 300
        var bytes: [UInt8] = []
        var pause: Int32 = 1
        while true {
            let now = now()
            if now >= end { return .silence }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&waiting, 1, min(pause, Int32(end - now))) <= 0 {
                if place.isHere { return .moved }
                pause = longer(pause)
                continue
            }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
            // What is more is read and dropped, so that who writes it comes to an end.
            if bytes.count < most { bytes += chunk.prefix(count) }
        }
        return .words(OSString(Array(bytes.prefix { $0 != 0x0A }.prefix(most))).description)
    }

    /// The manager's word that it is done comes behind the deed; whoever else has said so is given the time that is left.
    private static func isInside(_ place: Place, until end: UInt64) -> Bool {
        var pause: Int32 = 1
        while true {
            if place.isHere { return true }
            if now() >= end { return false }
            _ = poll(nil, 0, pause)
            pause = longer(pause)
        }
    }
}
