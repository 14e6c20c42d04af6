internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// A scope of the user's service manager for this process, where a policy wants the kernel to hold its limits and the group
/// that the process stands in is not its to divide (systemd.scope(5)).
///
/// `codex-sandboxd scope` asks for it, which links libsystemd; only where the launch would be refused without, so that no other
/// launch pays for it.
enum TransientScope {
    enum Answer: Equatable {
        /// No limit has to be held by the kernel, it can be already, or no scope would help.
        case notWanted
        /// This process is in one of its own now; what it has started before is not.
        case entered
        /// Why there is none, as a part of a sentence.
        case failed(String)
    }

    /// Moves this process into a scope of its own, where that helps.
    ///
    /// - Parameters:
    ///   - limits: of the policy.
    ///   - id: the launch, by which the scope is called.
    ///   - environment: the caller's, for the address of the bus.
    /// - Returns: whether this process stands in one now.
    static func enter(_ limits: LimitPolicy, _ id: LaunchID, _ environment: [OSString]) -> Answer {
        // As root there is a manager only where root has logged in; its units are not the system's.
        if limits.requireKernel.isEmpty || geteuid() == 0 { return .notWanted }
        guard case .none(let absence) = CgroupHost().offer(), helps(absence) else { return .notWanted }
        guard case .found(let program) = CompanionExecutable.find() else {
            return .failed("codex-sandboxd, which would ask for it, is not there")
        }
        var pair: [Int32] = [-1, -1]
        let piped = cs_pipe(&pair)
        if piped < 0 { return .failed("pipe2: \(SandboxPlan.ErrnoName.described(Int32(-piped)))") }
        let output = OwnedFileDescriptor(owning: pair[0])
        let pid: Int32
        do throws(Refusal) {
            pid = try PolicyCompilerProcess.start(
                program,
                words: ["scope", "\(getpid())", id.description],
                environment: environment.filter(isForTheBus),
                input: nil,
                output: OwnedFileDescriptor(owning: pair[1])
            )
        } catch { return .failed("\(program): \(SandboxPlan.ErrnoName.described(error.errno))") }
        let said = PolicyCompilerProcess.collect(output.number) ?? []
        var status: Int32 = 0
        let waited = cs_wait(pid, 1, &status, nil)
        guard waited >= 0, status == 0 else {
            let words = said.split(separator: 0x0A).first.map { String(decoding: $0, as: UTF8.self) }
            return .failed(words ?? "codex-sandboxd scope ended with wait status \(status)")
        }
        return isInside(id) ? .entered : .failed("the user's service manager has not moved this process in two seconds")
    }

    /// Whether another group of the same user's can be any better.
    private static func helps(_ absence: CgroupAbsence) -> Bool {
        switch absence {
        case .notWritable, .notDelegated: true
        // One that hands nothing on may lie between us and the user's manager.
        case .noControllers(let lacks): lacks.contains { if case .heldBack = $0.cause { true } else { false } }
        case .notUsed, .versionOne, .notMounted, .outsideNamespace, .otherMount, .readOnly, .failed: false
        }
    }

    private static func isForTheBus(_ entry: OSString) -> Bool {
        entry.bytes.starts(with: "DBUS_SESSION_BUS_ADDRESS=".utf8) || entry.bytes.starts(with: "XDG_RUNTIME_DIR=".utf8)
    }

    /// The manager answers before it has done it.
    private static func isInside(_ id: LaunchID) -> Bool {
        let unit = OSString("codex-sandbox-\(id).scope")
        for _ in 0..<2000 {
            do throws(SyscallError) {
                if CgroupName.of(try FileReading.read("/proc/self/cgroup"))?.lastComponent == unit { return true }
            } catch { return false }
            var pause = timespec(tv_sec: 0, tv_nsec: 1_000_000)
            _ = nanosleep(&pause, nil)
        }
        return false
    }
}
