/// Which lines of two texts are not in both.
///
/// Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), the greedy variant, with a bound.
struct LineEdits {
    /// For each line of the first text whether it goes.
    private(set) var removed: [Bool]
    /// For each line of the second whether it is new.
    private(set) var added: [Bool]

    /// The most lines that may differ before everything between the first and the last difference is exchanged.
    private static let mostDifferences = 1000

    /// - Parameters:
    ///   - old: a number for each line, equal for equal lines.
    ///   - new: the same of the second text.
    ///   - steps: how many comparisons may still be made; where they are used up, what differs is exchanged as a whole.
    init(_ old: [Int], _ new: [Int], steps: inout Int) {
        removed = Array(repeating: false, count: old.count)
        added = Array(repeating: false, count: new.count)
        var start = 0
        while start < old.count && start < new.count && old[start] == new[start] { start += 1 }
        var ends = (old.count, new.count)
        while ends.0 > start && ends.1 > start && old[ends.0 - 1] == new[ends.1 - 1] {
            ends.0 -= 1
            ends.1 -= 1
        }
        let a = Array(old[start..<ends.0])
        let b = Array(new[start..<ends.1])
        guard let trace = LineEdits.trace(a, b, &steps) else {
            for index in start..<ends.0 { removed[index] = true }
            for index in start..<ends.1 { added[index] = true }
            return
        }
        follow(trace, a.count, b.count, start)
    }

    /// The furthest points reached with each number of differences; nil beyond the bounds.
    private static func trace(_ a: [Int], _ b: [Int], _ steps: inout Int) -> [[Int32]]? {
        if a.isEmpty || b.isEmpty { return nil }
        let most = min(a.count + b.count, mostDifferences)
        var reached = [Int32](repeating: 0, count: 2 * most + 3)
        let middle = most + 1
        var trace: [[Int32]] = []
        for d in 0...most {
            // Diagonals -d…d, as they were before.
            trace.append(Array(reached[(middle - d)...(middle + d)]))
            for k in stride(from: -d, through: d, by: 2) {
                var x: Int
                if k == -d || (k != d && reached[middle + k - 1] < reached[middle + k + 1]) {
                    x = Int(reached[middle + k + 1])
                } else {
                    x = Int(reached[middle + k - 1]) + 1
                }
                let first = x
                while x < a.count && x - k < b.count && x - k >= 0 && a[x] == b[x - k] { x += 1 }
                reached[middle + k] = Int32(x)
                steps -= x - first + 1
                if x >= a.count && x - k >= b.count { return trace }
                if steps < 0 { return nil }
            }
        }
        return nil
    }

    /// Back from the end, one difference at a time.
    private mutating func follow(_ trace: [[Int32]], _ aCount: Int, _ bCount: Int, _ start: Int) {
        var x = aCount
        var y = bCount
        for d in stride(from: trace.count - 1, to: 0, by: -1) {
            let reached = trace[d]
            let k = x - y
            func at(_ diagonal: Int) -> Int { Int(reached[diagonal + d]) }
            // A diagonal beyond ±(d − 1) was not reached with d − 1 differences.
            let isDown = k == -d || (k != d && at(k - 1) < at(k + 1))
            let before = isDown ? k + 1 : k - 1
            x = at(before)
            y = x - before
            if isDown { added[start + y] = true } else { removed[start + x] = true }
        }
    }
}
