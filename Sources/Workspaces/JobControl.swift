internal import CShims
internal import Glibc
internal import SandboxKernel
internal import Synchronization

/// By which others end a job that runs.
final class JobControl: Sendable {
    private struct State {
        var reason: String?
        var whenStopped: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    /// An eventfd(2): readable once somebody wants the end, or the process has ended.
    private let bell: OwnedFileDescriptor

    /// Nil where there is no descriptor for it.
    init?() {
        let number = cs_eventfd()
        guard number >= 0 else { return nil }
        bell = OwnedFileDescriptor(owning: Int32(number))
    }

    /// To be polled.
    var number: Int32 { bell.number }

    /// Why the job is to end; nil while nobody wants it.
    var stopReason: String? { state.withLock { $0.reason } }

    /// The first reason stands.
    func stop(_ why: String) {
        let body = state.withLock { state -> (@Sendable () -> Void)? in
            if state.reason == nil { state.reason = why }
            defer { state.whenStopped = nil }
            return state.whenStopped
        }
        body?()
        ring()
    }

    /// Calls `body` once, when somebody wants the end, on that one's thread; at once where somebody does already.
    ///
    /// The job's own thread may be waiting for the store meanwhile.
    func whenStopped(_ body: @escaping @Sendable () -> Void) {
        let isStopped = state.withLock { state in
            if state.reason == nil { state.whenStopped = body }
            return state.reason != nil
        }
        if isStopped { body() }
    }

    func ring() {
        var one: UInt64 = 1
        // It can only fail by being rung already.
        _ = write(bell.number, &one, MemoryLayout<UInt64>.size)
    }

    func hush() {
        var count: UInt64 = 0
        _ = read(bell.number, &count, MemoryLayout<UInt64>.size)
    }
}
