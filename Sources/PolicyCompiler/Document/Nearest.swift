/// The word that a mistyped one most likely stands for; nil when none is near.
///
/// Near means at most one edit for every three characters, and at least one.
func nearest(to word: String, among candidates: [String]) -> String? {
    let limit = max(1, word.count / 3)
    return candidates.map { (word: $0, distance: editDistance(word, $0)) }
        .filter { $0.distance <= limit }
        .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?
        .word
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
///
/// Words longer than 64 characters are further from everything than any limit: the input is not ours.
private func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left.lowercased()), right = Array(right.lowercased())
    guard left.count <= 64, right.count <= 64 else { return Int.max }
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1]
        for column in right.indices {
            let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
            var best = min(replaced, last[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                best = min(best, beforeLast[column - 1] + 1)
            }
            current.append(best)
        }
        beforeLast = last
        last = current
    }
    return last[right.count]
}
