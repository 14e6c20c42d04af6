import Foundation

/// How long tests have had their turn, for who wants to make them shorter: what the test runner says includes the waiting.
public enum TestTimes {
    /// A line for each case, `MILLISECONDS NAME`, is added to the file that `SANDBOX_TEST_TIMES` names.
    private static let file: Int32? = ProcessInfo.processInfo.environment["SANDBOX_TEST_TIMES"].map {
        open($0, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    }

    public static func note(_ name: String, _ alone: Bool, _ time: Duration) {
        guard let file else { return }
        let line = "\(Int(time / .milliseconds(1))) \(name)\(alone ? " (alone)" : "")\n"
        // One write of one line: others' lines stay whole.
        _ = line.utf8.withContiguousStorageIfAvailable { write(file, $0.baseAddress, $0.count) }
    }
}
