internal import Glibc

/// A file beside a database that says that a restore has begun to put things in their places, and has to be ended first.
public enum RestoreMark {
    static let ending = ".restoring"

    static func isThere(_ database: String) -> Bool {
        var found = stat()
        return lstat(database + ending, &found) == 0
    }

    static func checkNone(_ database: String) throws(StoreError) {
        guard isThere(database) else { return }
        throw StoreError(
            kind: .unwritable,
            message: "a restore of \(database) was interrupted",
            remedy: "run codex-sandbox db restore once more, which ends it"
        )
    }
}
