import Testing

@testable import SandboxRuntime

/// What is read of other processes.
@Suite struct ProcessListTests {
    /// A copy of a launcher looks as that does until it executes something.
    @Test(arguments: [
        // Lines of proc_pid_stat(5), with PF_FORKNOEXEC (64) and without it.
        ("7 (codex-sandbox) S 1 7 7 0 -1 4194304 9 0", true), ("7 (codex-sandbox) S 1 7 7 0 -1 4194368 9 0", false),
        ("7 (codex-sandbox) S 1 7 7 34816 7 1077936192 9 0", false),
        // A name may hold anything.
        ("7 (a) S 1 7 7 0 -1 64 9) S 1 7 7 0 -1 4194304 9 0", true),
        ("7 (a) S 1 7 7 0 -1 0 9) S 1 7 7 0 -1 4194368 9 0", false),
        // Nobody can say.
        ("", false), ("7 codex-sandbox S 1 7 7 0 -1 4194304", false), ("7 (codex-sandbox) S 1 7 7 0 -1", false),
        ("7 (codex-sandbox) S 1 7 7 0 -1 x 9 0", false),
    ]) func whoHasExecutedNothingIsACopy(line: String, hasExecuted: Bool) {
        #expect(ProcessList.hasExecuted(Array(line.utf8)) == hasExecuted)
    }
}
