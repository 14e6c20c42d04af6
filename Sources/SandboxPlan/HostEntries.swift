/// What stood at each path that was looked at, in the order of their bytes.
///
/// A sorted array instead of a dictionary: some hundred paths are looked up a few times each, and the first use of a
/// dictionary costs a launch more than all of its look-ups (docs/launch.md).
public struct HostEntries: Hashable, Sendable {
    public struct Element: Hashable, Sendable {
        public var path: OSString
        public var entry: HostEntry
    }

    public private(set) var elements: [Element] = []

    /// - Parameter count: how many paths there will be, about.
    public init(expecting count: Int = 0) {
        elements.reserveCapacity(count)
    }

    public subscript(path: OSString) -> HostEntry? {
        get {
            let (index, isThere) = position(of: path)
            return isThere ? elements[index].entry : nil
        }
        set {
            let (index, isThere) = position(of: path)
            switch (newValue, isThere) {
            case (.some(let entry), true): elements[index].entry = entry
            case (.some(let entry), false): elements.insert(Element(path: path, entry: entry), at: index)
            case (nil, true): elements.remove(at: index)
            case (nil, false): break
            }
        }
    }

    /// Where a path stands, or would.
    private func position(of path: OSString) -> (index: Int, isThere: Bool) {
        // Lent: an element of the array itself would be kept and let go at each step.
        elements.withUnsafeBufferPointer { elements in
            var low = 0
            var high = elements.count
            while low < high {
                let middle = (low + high) / 2
                if elements[middle].path < path { low = middle + 1 } else { high = middle }
            }
            return (low, low < elements.count && elements[low].path == path)
        }
    }
}

extension HostEntries: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (OSString, HostEntry)...) {
        for (path, entry) in elements { self[path] = entry }
    }
}
