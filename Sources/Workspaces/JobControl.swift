internal import CShims
internal import Glibc
internal import SandboxKernel
internal import Synchronization

/// By which others end a job that runs.
final class JobControl: Sendable {
    private let reason = Mutex<String?>(nil)
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
    var stopReason: String? { reason.withLock { $0 } }

    /// The first reason stands.
    func stop(_ why: String) {
        reason.withLock { if $0 == nil { $0 = why } }
        ring()
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
