internal import CShims
internal import SandboxKernel

/// Tells whether somebody has set the system's clock since this was made: times of files cannot be compared then.
///
/// A timer that is cancelled by it (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET); slewing (adjtime(3)) does not count, it never
/// goes back. Waking up from suspension does.
final class ClockWatch: Sendable {
    private let timer: OwnedFileDescriptor

    /// - Returns: nil where the kernel gives no timer.
    init?() {
        let number = cs_clock_watch()
        guard number >= 0 else { return nil }
        timer = OwnedFileDescriptor(owning: Int32(number))
    }

    /// Whether it was set, or that is not known; told once, it may be forgotten.
    func wasSet() -> Bool { cs_clock_was_set(timer.number) != 0 }
}
