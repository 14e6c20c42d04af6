import Glibc

/// A command under the keeper, while it runs.
///
/// Reads and writes never block; every wait has an end. Not safe to share between tasks.
public final class KeptProcess {
    private var keeper: pid_t
    private var input: Int32
    private var pending: ArraySlice<UInt8> = []
    private var closesWhenWritten = false
    private var readers: [Int32]
    private var collected: [[UInt8]] = [[], [], []]
    private let patience: Duration

    /// Starts `Tests/Programs/keeper` with these options and this command.
    ///
    /// `patience` is the longest that the whole may take before the test gives up and kills the keeper itself.
    init(keeper path: String, arguments: [[UInt8]], environment: [[UInt8]], patience: Duration) throws {
        self.patience = patience
        let ends = try (0..<4).map { _ in try Pipe() }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Above what is being replaced, so that no dup2 hits an end still needed; the keeper closes the rest.
        let child = try [ends[0].read, ends[1].write, ends[2].write, ends[3].write].map { end in
            try check("fcntl", "F_DUPFD", fcntl(end, F_DUPFD, 100))
        }
        defer { child.forEach { close($0) } }
        for (number, end) in child.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, end, Int32(number))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var all = sigset_t()
        var none = sigset_t()
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var process: pid_t = 0
        let code = withCStringList([Array(path.utf8)] + arguments) { list in
            withCStringList(environment) { posix_spawn(&process, path, &actions, &attributes, list, $0) }
        }
        close(ends[0].read)
        ends[1...].forEach { close($0.write) }
        self.keeper = process
        self.input = ends[0].write
        self.readers = ends[1...].map(\.read)
        guard code == 0 else { throw TestFailure("posix_spawn \(path): \(String(cString: strerror(code)))") }
        for end in readers + [input] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    }

    deinit {
        if keeper > 0 {
            kill(keeper, SIGKILL)
            waitpid(keeper, nil, 0)
        }
        if input >= 0 { close(input) }
        readers.filter { $0 >= 0 }.forEach { close($0) }
    }

    public var output: [UInt8] { collected[0] }
    public var errors: [UInt8] { collected[1] }
    public var outputText: String { String(decoding: output, as: UTF8.self) }
    private var reportLines: [String] {
        String(decoding: collected[2], as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The command's own process, as the host numbers it.
    public func commandProcess() throws -> Int32 {
        try wait("for the command to start", within: .seconds(60)) { $0.reported("started") != nil }
        guard let number = reported("started").flatMap({ Int32($0) }) else { throw TestFailure("no pid in the report") }
        return number
    }

    /// Sends the command a signal; the keeper has not waited for it yet, so the number is still its.
    public func signal(_ number: Int32) throws {
        try check("kill", "\(number)", kill(try commandProcess(), number))
    }

    /// Gives input; it is written while something is waited for.
    public func write(_ bytes: some Sequence<UInt8>) {
        pending.append(contentsOf: bytes)
    }

    /// Ends the input after what was given.
    public func endInput() {
        closesWhenWritten = true
        pump(forAtMost: .zero)
    }

    /// Waits until a line of the output begins with this, and returns the rest of the line.
    @discardableResult
    public func line(_ prefix: String, within limit: Duration = .seconds(60)) throws -> String {
        var found: Substring?
        try wait("for the line \(prefix)", within: limit) { process in
            let text = process.outputText
            guard let end = text.lastIndex(of: "\n") else { return false }
            found = text[..<end].split(separator: "\n").first { $0.hasPrefix(prefix) }
            return found != nil
        }
        return String(found?.dropFirst(prefix.count) ?? "")
    }

    /// Whether the command's end has been reported.
    public func hasEnded() -> Bool {
        pump(forAtMost: .zero)
        return reported("ended") != nil
    }

    /// Waits for the command's end, and for everything it left behind.
    public func finish() throws -> RunResult {
        endInput()
        try wait("for the end", within: patience) { $0.readers.allSatisfy { $0 < 0 } }
        var status: Int32 = 0
        while waitpid(keeper, &status, 0) == -1 && errno == EINTR {}
        keeper = 0
        if let reason = reported("waited") { throw TestFailure("keeper: could not start the command: \(reason)") }
        guard let end = reported("ended")?.split(separator: " "), end.count == 2, let value = Int32(end[1]),
            let left = reported("left").flatMap({ Int($0) }), let zombies = reported("zombies").flatMap({ Int($0) }),
            let gone = reported("gone").flatMap({ Int64($0) })
        else {
            throw TestFailure(
                "keeper: no report (status \(status)): \(reportLines) \(String(decoding: errors, as: UTF8.self))"
            )
        }
        return RunResult(
            ending: end[0] == "exited" ? .exited(value) : .signalled(value),
            output: output,
            errors: errors,
            left: left,
            zombies: zombies,
            goneAfter: .microseconds(gone),
            stuck: reportLines.filter { $0.hasPrefix("stuck ") }.map { String($0.dropFirst(6)) },
            tookTooLong: reportLines.contains("deadline"),
            injected: reported("injected").flatMap { Int($0) }
        )
    }

    private func reported(_ word: String) -> String? {
        reportLines.first { $0.hasPrefix(word + " ") }.map { String($0.dropFirst(word.count + 1)) }
    }

    /// Moves bytes until the condition holds; throws when the time is over.
    public func wait(_ what: String, within limit: Duration, until condition: (KeptProcess) -> Bool) throws {
        let clock = ContinuousClock()
        let end = clock.now + limit
        while true {
            pump(forAtMost: .zero)
            if condition(self) { return }
            let left = end - clock.now
            let closed = readers.allSatisfy { $0 < 0 }
            guard left > .zero, !closed else {
                throw TestFailure(
                    """
                    waited \(what)\(closed ? ", but everything has ended" : " for \(limit)")
                    --- report: \(reportLines)
                    --- output: \(outputText.suffix(3000))
                    --- errors: \(String(decoding: errors, as: UTF8.self).suffix(3000))
                    """
                )
            }
            pump(forAtMost: left)
        }
    }

    private func pump(forAtMost limit: Duration) {
        writePending()
        var watched = readers.filter { $0 >= 0 }.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        if !pending.isEmpty && input >= 0 { watched.append(pollfd(fd: input, events: Int16(POLLOUT), revents: 0)) }
        let (seconds, attoseconds) = limit.components
        let milliseconds = Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        guard !watched.isEmpty, poll(&watched, nfds_t(watched.count), milliseconds) > 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        for entry in watched where entry.revents != 0 {
            guard let index = readers.firstIndex(of: entry.fd) else { continue }
            let count = read(entry.fd, &buffer, buffer.count)
            if count > 0 {
                collected[index].append(contentsOf: buffer[..<count])
            } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
                close(entry.fd)
                readers[index] = -1
            }
        }
        writePending()
    }

    private func writePending() {
        while !pending.isEmpty && input >= 0 {
            let count = pending.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
            if count > 0 {
                pending = pending.dropFirst(count)
            } else if errno == EPIPE {
                pending = []
            } else if errno != EINTR {
                return
            }
        }
        if closesWhenWritten && input >= 0 {
            close(input)
            input = -1
        }
    }
}

/// Both ends of a pipe(2), close-on-exec; who takes them closes them.
struct Pipe {
    var read: Int32
    var write: Int32

    init() throws {
        // A reader that went away is an error of write(2), not the end of the test.
        Glibc.signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        try check("pipe", "", pipe(&ends))
        read = ends[0]
        write = ends[1]
        for end in ends { try check("fcntl", "FD_CLOEXEC", fcntl(end, F_SETFD, FD_CLOEXEC)) }
    }
}
