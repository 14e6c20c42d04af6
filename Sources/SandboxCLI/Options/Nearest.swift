internal import SandboxPlan

/// The known word that a mistyped one was most likely meant to be.
enum Nearest {
    /// Nil when none is near: a third of the letters may differ, at least one.
    static func word(to typed: OSString, among known: [String]) -> String? {
        // Longer than any of ours; and the table below is quadratic.
        guard typed.bytes.count <= 64 else { return nil }
        var best: (word: String, distance: Int)?
        for candidate in known {
            let distance = distance(typed.bytes, Array(candidate.utf8))
            let allowed = max(1, letters(candidate) / 3)
            guard distance <= allowed, distance < best?.distance ?? Int.max else { continue }
            best = (candidate, distance)
        }
        return best?.word
    }

    private static func letters(_ word: String) -> Int {
        word.utf8.count { $0 != UInt8(ascii: "-") }
    }

    /// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var rows = [[Int]](repeating: [Int](repeating: 0, count: right.count + 1), count: left.count + 1)
        for i in 0...left.count { rows[i][0] = i }
        for j in 0...right.count { rows[0][j] = j }
        for i in 0..<left.count {
            for j in 0..<right.count {
                let cost = left[i] == right[j] ? 0 : 1
                var least = min(rows[i][j + 1] + 1, rows[i + 1][j] + 1, rows[i][j] + cost)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    least = min(least, rows[i - 1][j - 1] + 1)
                }
                rows[i + 1][j + 1] = least
            }
        }
        return rows[left.count][right.count]
    }
}
