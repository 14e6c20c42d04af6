import Foundation
import Synchronization

/// Ends a thread of a test, and waits for its end.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    private let ended = DispatchSemaphore(value: 0)

    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
    func finish() { ended.signal() }
    func waitForFinish() { ended.wait() }
}
