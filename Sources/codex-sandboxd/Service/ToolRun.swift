import Glibc
import SandboxPlan

/// A tool of the system's, run to its end.
enum ToolRun {
    struct Result {
        var output: String
        /// What it said on standard error, one line behind another.
        var errors: String
        /// 128 + N where signal N ended it.
        var status: Int32
    }

    private static let outputLimit = 1 << 20
    /// For a look, in seconds: a manager that is busy answers within a few.
    static let lookTime = 30

    /// Where a tool is: in the folders of the system, whatever PATH says.
    static func path(_ name: String) -> String? {
        ["/usr/bin", "/bin"].map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// posix_spawn(3) with our own environment; standard input is empty.
    ///
    /// - Parameters:
    ///   - path: the tool.
    ///   - arguments: its words, without its own name.
    ///   - seconds: how long it may take; nil for what takes as long as a server does to end.
    /// - Returns: what it said.
    /// - Throws: `ServiceError` where it cannot be started, and where it was killed for its time, or for more output than any answer has.
    static func run(_ path: String, _ arguments: [String], within seconds: Int?) throws(ServiceError) -> Result {
        let end = seconds.map { milliseconds() + Int64($0) * 1000 }
        var output: [Int32] = [-1, -1]
        var errors: [Int32] = [-1, -1]
        guard pipe(&output) == 0 else { throw ServiceError("there is no pipe: \(ErrnoName.described(errno))") }
        guard pipe(&errors) == 0 else {
            output.forEach { close($0) }
            throw ServiceError("there is no pipe: \(ErrnoName.described(errno))")
        }
        defer {
            close(output[0])
            close(errors[0])
        }
        for descriptor in output + errors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        let (pid, code) = spawn([path] + arguments, output[1], errors[1])
        close(output[1])
        close(errors[1])
        guard code == 0 else { throw ServiceError("\(path) cannot be started: \(ErrnoName.described(code))") }
        var status: Int32 = 0
        let texts: [String]
        do throws(ServiceError) {
            texts = try read([output[0], errors[0]], end)
            try wait(pid, &status, end)
        } catch {
            kill(pid, SIGKILL)
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            let words = arguments.prefix { $0 != "--" }.first { !$0.hasPrefix("-") }
            throw ServiceError("\(([path] + (words.map { [$0] } ?? [])).joined(separator: " ")) \(error.text)")
        }
        let exit = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F
        return Result(output: texts[0], errors: texts[1], status: exit)
    }

    private static func spawn(_ words: [String], _ output: Int32, _ errors: Int32) -> (pid_t, code: Int32) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let prepared = [
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0),
            posix_spawn_file_actions_adddup2(&actions, output, 1),
            posix_spawn_file_actions_adddup2(&actions, errors, 2),
        ]
        if let failed = prepared.first(where: { $0 != 0 }) { return (0, failed) }
        let pointers = words.map { strdup($0) }
        defer { pointers.forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, words[0], &actions, nil, pointers + [nil], environ)
        return (pid, code)
    }

    private static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// In milliseconds, for poll(2): -1 without an end.
    private static func left(_ end: Int64?) throws(ServiceError) -> Int32 {
        guard let end else { return -1 }
        let left = end - milliseconds()
        guard left > 0 else {
            throw ServiceError("gave no answer in time and was ended; try it again, or see whether it answers to you")
        }
        return Int32(clamping: left)
    }

    /// One that has closed its output may still run.
    private static func wait(_ pid: pid_t, _ status: inout Int32, _ end: Int64?) throws(ServiceError) {
        while true {
            let ended = waitpid(pid, &status, end == nil ? 0 : WNOHANG)
            if ended > 0 || ended < 0 && errno != EINTR { return }
            if ended == 0 { poll(nil, 0, min(10, try left(end))) }
        }
    }

    /// Both to their ends.
    private static func read(_ descriptors: [Int32], _ end: Int64?) throws(ServiceError) -> [String] {
        var texts = [[UInt8]](repeating: [], count: descriptors.count)
        var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while polled.contains(where: { $0.fd >= 0 }) {
            if poll(&polled, nfds_t(polled.count), try left(end)) < 0 {
                if errno == EINTR { continue }
                break
            }
            for index in polled.indices where polled[index].fd >= 0 && polled[index].revents != 0 {
                let count = Glibc.read(polled[index].fd, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 {
                    polled[index].fd = -1
                } else {
                    texts[index] += buffer[..<count]
                    guard texts[index].count <= outputLimit else {
                        throw ServiceError("says more than \(outputLimit) bytes and was ended; see what it says to you")
                    }
                }
            }
        }
        return texts.map { String(decoding: $0, as: UTF8.self) }
    }
}
