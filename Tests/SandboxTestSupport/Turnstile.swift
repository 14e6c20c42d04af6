import Foundation

/// Lets at most so many tests pass at once, in the order in which they came.
///
/// The tests start processes and watch clocks: all at once they would disturb each other.
public actor Turnstile {
    /// For all tests that start a launcher, in every target.
    ///
    /// Most of them wait most of the time, for what they have started: two for each processor keep the machine at work.
    public static let shared = Turnstile(places: max(2, 2 * ProcessInfo.processInfo.activeProcessorCount))

    private let places: Int
    private var free: Int
    private var waiting: [(need: Int, resume: CheckedContinuation<Void, Never>)] = []

    public init(places: Int) {
        self.places = places
        self.free = places
    }

    /// Waits for a place, or for all of them.
    public func enter(alone: Bool) async {
        let need = alone ? places : 1
        if waiting.isEmpty && free >= need {
            free -= need
            return
        }
        await withCheckedContinuation { waiting.append((need, $0)) }
    }

    public func leave(alone: Bool) {
        free += alone ? places : 1
        while let first = waiting.first, free >= first.need {
            waiting.removeFirst()
            free -= first.need
            first.resume.resume()
        }
    }
}
