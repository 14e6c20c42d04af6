internal import CShims
internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// How a sandbox ended.
public struct SandboxEnd: Hashable, Sendable {
    /// Why it ended before it was closed; nil when nothing was amiss.
    public var verdict: Outcome?
    /// Protected names that were missing before, and repositories, that a process has made.
    public var planted: [OSString]
    /// Of these what was taken away again.
    public var removed: [OSString]
    /// Folders that were closed to us, or hold too much: whether such names were made in them is not known.
    public var unseen: [OSString]
    public var warnings: [String]
}

/// A place in which many processes run, each behind its own gate; safe to use from any thread.
///
/// It is opened and verified once; what a process needs then is a fork in the place, and its own comparison with the plan.
/// One thread of its own keeps it: the kernel ties a place to the *thread* that has made it (prctl(2), PR_SET_PDEATHSIG), and
/// ends it with that. Every process has a record of its own, and dropping the value closes the sandbox.
///
/// Nothing of the caller's memory is copied to open one (the namespaces are made by a helper that shares it, clone(2) with
/// CLONE_VM), and starting a process is a message to pid 1: a large caller pays what a small one does.
public final class Sandbox: Sendable {
    private let loop: SandboxLoop
    private let ended = Latch<SandboxEnd>()
    /// What the place was opened by: the policy with everything that was said over it.
    public let policy: Policy

    /// Opens a sandbox and verifies it; no process runs in it yet.
    ///
    /// - Parameters:
    ///   - options: workspace, policy and environment; `arguments` are not looked at, each process has its own.
    ///   - launcher: path of `codex-sandbox`, which becomes pid 1 of the place.
    /// - Throws: `Refusal`, as `run` would be refused; nothing is left then.
    public init(_ options: LaunchOptions, launcher: OSString) throws(Refusal) {
        loop = try SandboxLoop()
        let opened = Latch<Result<Policy, Refusal>>()
        let work = ThreadWork(loop: loop, options: options, launcher: launcher, opened: opened, ended: ended)
        var thread = pthread_t()
        let code = pthread_create(
            &thread,
            nil,
            { box in
                guard let box else { return nil }
                Unmanaged<ThreadWork>.fromOpaque(box).takeRetainedValue().run()
                return nil
            },
            Unmanaged.passRetained(work).toOpaque()
        )
        if code != 0 {
            throw Refusal(
                stage: "place",
                step: "pthread_create",
                subject: "sandbox",
                errno: code,
                message: "a sandbox needs a thread of its own, and none can be made",
                remedy: "raise the limit of tasks (ulimit -u, or the unit's TasksMax)"
            )
        }
        pthread_detach(thread)
        policy = try opened.wait().get()
    }

    deinit {
        _ = loop.commands.post(.close(Latch<SandboxEnd>()))
    }

    /// Starts a process, and waits until it is verified and released.
    ///
    /// - Parameter process: what is to be started.
    /// - Returns: the process, released.
    /// - Throws: `Refusal`; it has not run then. The sandbox goes on.
    public func start(_ process: ProcessOptions) throws(Refusal) -> SandboxedProcess {
        try start(process, latch: Latch<StartResult>()).wait().get()
    }

    /// The same without waiting.
    ///
    /// - Parameters:
    ///   - process: what is to be started.
    ///   - done: called once, from the sandbox's thread, which waits meanwhile.
    public func start(_ process: ProcessOptions, done: @escaping @Sendable (Result<SandboxedProcess, Refusal>) -> Void)
    {
        start(process, latch: Latch<StartResult>()).whenSet(done)
    }

    private func start(_ process: ProcessOptions, latch: Latch<StartResult>) -> Latch<StartResult> {
        if !loop.commands.post(.start(process, latch)) { latch.set(.failure(SandboxLoop.isClosed)) }
        return latch
    }

    /// Ends every process and the place, and waits until they are gone; the same answer again when it is over already.
    public func close() -> SandboxEnd {
        _ = loop.commands.post(.close(Latch<SandboxEnd>()))
        return ended.wait()
    }

    /// Calls `body` when the sandbox has ended, however it came.
    public func whenEnded(_ body: @escaping @Sendable (SandboxEnd) -> Void) { ended.whenSet(body) }
}

/// What the sandbox's thread begins with.
private final class ThreadWork: @unchecked Sendable {
    private let loop: SandboxLoop
    private let options: LaunchOptions
    private let launcher: OSString
    private let opened: Latch<Result<Policy, Refusal>>
    private let ended: Latch<SandboxEnd>

    init(
        loop: SandboxLoop,
        options: LaunchOptions,
        launcher: OSString,
        opened: Latch<Result<Policy, Refusal>>,
        ended: Latch<SandboxEnd>
    ) {
        self.loop = loop
        self.options = options
        self.launcher = launcher
        self.opened = opened
        self.ended = ended
    }

    func run() {
        let place: OpenPlace
        do throws(Refusal) {
            place = try OpenPlace(options, launcher: launcher)
        } catch {
            loop.refuse()
            opened.set(.failure(error))
            return
        }
        let (opened, policy) = (opened, place.preparation.policy)
        let end = loop.run(place) { opened.set(.success(policy)) }
        ended.set(end)
    }
}
