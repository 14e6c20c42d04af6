import Glibc
import SandboxPlan

/// A process that the suite starts: in a group of its own, with nothing of ours but what it is given.
///
/// Its number is its own until it is waited for, so nobody else is ever signalled.
final class SuiteProcess {
    private let pid: pid_t
    /// How it ended, in words; nil before that is known.
    private var known: String?

    private init(_ pid: pid_t) { self.pid = pid }

    /// posix_spawn(3); standard input is empty, output and errors go to a descriptor.
    static func start(_ arguments: [OSString], environment: [OSString], output: Int32) throws(SuiteError)
        -> SuiteProcess
    {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        let prepared = [
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0),
            posix_spawn_file_actions_adddup2(&actions, output, 1),
            posix_spawn_file_actions_adddup2(&actions, output, 2),
            posix_spawnattr_setsigmask(&attributes, &none), posix_spawnattr_setsigdefault(&attributes, &all),
            posix_spawnattr_setpgroup(&attributes, 0), posix_spawnattr_setflags(&attributes, Int16(flags)),
        ]
        if let failed = prepared.first(where: { $0 != 0 }) {
            throw SuiteError("a process cannot be prepared: \(ErrnoName.described(failed))")
        }
        let words = arguments.map { $0.withCString { strdup($0) } }
        let variables = environment.map { $0.withCString { strdup($0) } }
        defer { (words + variables).forEach { free($0) } }
        var pid: pid_t = 0
        let code = arguments[0].withCString {
            posix_spawn(&pid, $0, &actions, &attributes, words + [nil], variables + [nil])
        }
        guard code == 0 else { throw SuiteError("\(arguments[0]) cannot be started: \(ErrnoName.described(code))") }
        return SuiteProcess(pid)
    }

    /// How it ended, in words; nil while it runs.
    func end() throws(SuiteError) -> String? {
        if let known { return known }
        guard try hasEnded() else { return nil }
        return reap()
    }

    /// Ends it and its group for good, once it had the time to end by itself.
    func stop(within milliseconds: UInt64) {
        guard known == nil else { return }
        kill(pid, SIGTERM)
        let deadline = Deadline(milliseconds: milliseconds)
        do throws(SuiteError) {
            while try !hasEnded(), !deadline.isPast { _ = poll(nil, 0, 20) }
        } catch { Output.say(error.text) }
        _ = reap()
    }

    /// Whether it has ended; it is not waited for by that, so that its number and its group's are not given to others.
    private func hasEnded() throws(SuiteError) -> Bool {
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) != 0 {
            guard errno == EINTR else {
                throw SuiteError("process \(pid) cannot be waited for: \(ErrnoName.described(errno))")
            }
        }
        return information.si_signo == SIGCHLD
    }

    /// Ends what is left of the group, and takes the status.
    private func reap() -> String {
        kill(-pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let words = status & 0x7F == 0 ? "exit status \((status >> 8) & 0xFF)" : "ended by signal \(status & 0x7F)"
        known = words
        return words
    }

    /// Runs a command to its end: what it said, and how it ended.
    static func output(
        of arguments: [OSString],
        environment: [OSString],
        within milliseconds: UInt64
    ) throws(SuiteError) -> (output: [UInt8], end: String) {
        var pair: [Int32] = [-1, -1]
        guard pipe(&pair) == 0 else { throw SuiteError("there is no pipe: \(ErrnoName.described(errno))") }
        for descriptor in pair { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        defer { close(pair[0]) }
        let process: SuiteProcess
        do throws(SuiteError) {
            process = try start(arguments, environment: environment, output: pair[1])
            close(pair[1])
        } catch {
            close(pair[1])
            throw error
        }
        do throws(SuiteError) {
            let deadline = Deadline(milliseconds: milliseconds)
            let bytes = try collect(pair[0], deadline)
            while true {
                if let end = try process.end() { return (bytes, end) }
                guard !deadline.isPast else { throw SuiteError("\(arguments[0]) does not end") }
                try SuiteWait.pause(milliseconds: 5)
            }
        } catch {
            process.stop(within: 1000)
            throw error
        }
    }

    private static let outputLimit = 4 << 20

    private static func collect(_ descriptor: Int32, _ deadline: Deadline) throws(SuiteError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            guard try SuiteWait.until(POLLIN, of: descriptor, deadline, nil) else {
                throw SuiteError("a command does not end in time")
            }
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw SuiteError("what a command says cannot be read: \(ErrnoName.described(errno))")
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= outputLimit else {
                throw SuiteError("a command says more than \(outputLimit >> 20) MiB")
            }
        }
    }
}
