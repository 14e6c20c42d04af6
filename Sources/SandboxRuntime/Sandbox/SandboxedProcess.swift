public import SandboxPlan

/// A process that was started in an open sandbox; safe to use from any thread.
public final class SandboxedProcess: @unchecked Sendable {
    /// Its launch in the records.
    public let launch: LaunchID
    /// The caller's ends of its streams, to be closed by the caller.
    public let ends: ProcessOptions.Ends
    /// In the pid namespace of whoever opened the sandbox.
    public let pid: Int32
    /// What it may write to its streams in all; nil for no limit.
    ///
    /// Whoever reads them counts, and says `outputExceeded`.
    public let outputLimit: ByteCount?

    let number: UInt32
    private let loop: SandboxLoop
    private let state = Latch<ProcessEnd>()

    init(
        launch: LaunchID,
        ends: ProcessOptions.Ends,
        pid: Int32,
        outputLimit: ByteCount?,
        number: UInt32,
        loop: SandboxLoop
    ) {
        self.launch = launch
        self.ends = ends
        self.pid = pid
        self.outputLimit = outputLimit
        self.number = number
        self.loop = loop
    }

    /// Sends a signal to its process group; nothing happens when it has ended.
    ///
    /// - Parameter signal: 1 to 64.
    public func signal(_ signal: Int32) {
        precondition((1...64).contains(signal), "\(signal) is no signal")
        loop.post(.signal(number, signal))
    }

    /// Ends the sandbox, because the process has written more than `outputLimit`; nothing happens when it has ended.
    ///
    /// - Parameter bytes: what came of it.
    public func outputExceeded(_ bytes: UInt64) { loop.post(.outputExceeded(number, bytes)) }

    /// Waits for its end.
    public func wait() -> ProcessEnd { state.wait() }

    /// Calls `body` with its end, once; from the sandbox's thread, or at once when it has ended already.
    public func whenEnded(_ body: @escaping @Sendable (ProcessEnd) -> Void) { state.whenSet(body) }

    func ended(_ end: ProcessEnd) { state.set(end) }
}
