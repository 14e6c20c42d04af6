internal import Synchronization

/// Descriptors that are kept for requests to come, of one kind in the whole process: a bound, so that none are missing elsewhere.
final class HeldDescriptors: Sendable {
    /// Of folders whose listings are known.
    static let listings = HeldDescriptors(most: 256)
    /// Of files of such listings, and of files that were read lately with the folders on the way to them.
    static let files = HeldDescriptors(most: 128)

    private let most: Int
    private let count = Mutex(0)

    init(most: Int) { self.most = most }

    /// Room for so many more, given back with the value; nil where there is none.
    func take(_ number: Int) -> Place? {
        let isRoom = count.withLock { count in
            guard count + number <= most else { return false }
            count += number
            return true
        }
        return isRoom ? Place(self, number) : nil
    }

    /// Room that was taken.
    final class Place: Sendable {
        private let held: HeldDescriptors
        private let number: Int

        fileprivate init(_ held: HeldDescriptors, _ number: Int) {
            self.held = held
            self.number = number
        }

        deinit {
            let number = number
            held.count.withLock { $0 -= number }
        }
    }
}
