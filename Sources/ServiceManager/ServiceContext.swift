internal import CSystemd
internal import Glibc

/// What a service manager has given this process, taken out of the environment so that no child believes it to be meant.
///
/// `NOTIFY_SOCKET` stays: sd_notify(3) looks there; the manager takes nobody's word but the main process's (`NotifyAccess=main`).
public struct ServiceContext: Sendable {
    /// Listening sockets by number, with the names of their units.
    public var sockets: [(descriptor: Int32, name: String)]
    /// Within which the manager wants a sign of life, in microseconds; nil where it wants none.
    public var watchdogMicroseconds: UInt64?
    /// Whether somebody listens to `tell`.
    public var hasManager: Bool
    /// Whether standard error goes to the journal.
    public var logsToJournal: Bool
    /// `$CREDENTIALS_DIRECTORY`.
    public var credentials: String?

    /// The variables of the manager that are for this process only.
    public static let variables = [
        "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
        "JOURNAL_STREAM",
        "INVOCATION_ID", "CREDENTIALS_DIRECTORY", "MANAGERPID", "SYSTEMD_EXEC_PID", "MEMORY_PRESSURE_WATCH",
        "MEMORY_PRESSURE_WRITE",
    ]

    /// Takes it.
    ///
    /// For the first thread, before there is another: the environment is nobody else's then.
    ///
    /// - Throws: `ServiceContextError` where the variables contradict each other or name what is not there.
    public static func take() throws(ServiceContextError) -> ServiceContext {
        var microseconds: UInt64 = 0
        let watched = sd_watchdog_enabled(1, &microseconds)
        guard watched >= 0 else { throw ServiceContextError(what: "WATCHDOG_USEC", errno: -watched) }
        return ServiceContext(
            sockets: try takeSockets(),
            watchdogMicroseconds: watched > 0 ? microseconds : nil,
            hasManager: variable("NOTIFY_SOCKET") != nil,
            logsToJournal: isJournal(variable("JOURNAL_STREAM")),
            credentials: variable("CREDENTIALS_DIRECTORY")
        )
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Each is close-on-exec from here on; whether it is a socket that listens is for whoever uses it.
    private static func takeSockets() throws(ServiceContextError) -> [(descriptor: Int32, name: String)] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = sd_listen_fds_with_names(1, &names)
        guard count >= 0 else { throw ServiceContextError(what: "LISTEN_FDS", errno: -count) }
        guard count > 0 else { return [] }
        defer {
            for index in 0..<Int(count) { free(names?[index]) }
            free(names)
        }
        return (0..<Int(count)).map { index in
            (descriptor: 3 + Int32(index), name: names?[index].map { String(cString: $0) } ?? "unknown")
        }
    }

    /// Whether standard error is the stream that the manager has named: a redirection behind it is none.
    private static func isJournal(_ stream: String?) -> Bool {
        var status = stat()
        guard let stream, fstat(STDERR_FILENO, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }

    /// Tells the manager.
    ///
    /// - Returns: 0, also where there is none; else the errno.
    public static func tell(_ message: ServiceMessage) -> Int32 {
        let result = sd_notify(0, message.text)
        return result < 0 ? -result : 0
    }
}

/// What the manager says of itself cannot be understood.
public struct ServiceContextError: Error, Hashable, Sendable {
    /// The variable.
    public var what: String
    public var errno: Int32
}
