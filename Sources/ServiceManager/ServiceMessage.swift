/// What a service tells its manager (sd_notify(3)).
public struct ServiceMessage: Hashable, Sendable {
    /// `NAME=VALUE` lines.
    public let text: String

    private init(_ lines: [String]) { text = lines.joined(separator: "\n") }

    /// It serves from now on; also the end of a reload.
    public static func ready(_ status: String) -> ServiceMessage {
        ServiceMessage(["READY=1", "STATUS=\(line(status))"])
    }

    /// What it does, for people.
    public static func status(_ status: String) -> ServiceMessage { ServiceMessage(["STATUS=\(line(status))"]) }

    /// It has been looked at, and works.
    public static func alive(_ status: String) -> ServiceMessage {
        ServiceMessage(["WATCHDOG=1", "STATUS=\(line(status))"])
    }

    /// It reads its settings again.
    ///
    /// The time is of CLOCK_MONOTONIC; `Type=notify-reload` (systemd 253) asks for it.
    public static func reloading(at microseconds: UInt64) -> ServiceMessage {
        ServiceMessage(["RELOADING=1", "MONOTONIC_USEC=\(microseconds)"])
    }

    /// It ends, and needs so long for it from now on: an end that was asked for is no hang.
    public static func stopping(_ status: String, microseconds: UInt64) -> ServiceMessage {
        ServiceMessage(["STOPPING=1", "EXTEND_TIMEOUT_USEC=\(microseconds)", "WATCHDOG=1", "STATUS=\(line(status))"])
    }

    /// One line: a line end would begin another assignment.
    private static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }
}
