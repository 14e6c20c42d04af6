import CShims
import Glibc
import Testing

/// A signal for a process that was seen in a list: it may have ended since, and another have its number.
struct UnconfinedReachTests {
    @Test(arguments: [0, 1]) func aSignalReachesOnlyTheProcessThatWasSeen(later: UInt64) throws {
        var number: pid_t = 0
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("1000"), nil]
        defer { arguments.forEach { free($0) } }
        try #require(posix_spawn(&number, "/bin/sleep", nil, nil, &arguments, nil) == 0)
        var bytes = [UInt8](repeating: 0, count: 1024)
        let file = open("/proc/\(number)/stat", O_RDONLY)
        let count = read(file, &bytes, bytes.count)
        close(file)
        try #require(count > 0)
        // proc_pid_stat(5): field 22; the last parenthesis ends field 2.
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        let fields = try #require(text.split(separator: ")").last).split(separator: " ")
        let since = try #require(UInt64(fields[19]))
        // No other: the tests' threads have the rest blocked, and a child inherits that.
        var call: UnsafePointer<CChar>?
        #expect(cs_unconfined_reach(number, since + later, SIGKILL, &call) == 1 - Int(later))
        var status: Int32 = 0
        if later == 1 {
            #expect(waitpid(number, &status, WNOHANG) == 0)
            kill(number, SIGKILL)
        }
        #expect(waitpid(number, &status, 0) == number && status & 0x7F == SIGKILL)
    }
}
