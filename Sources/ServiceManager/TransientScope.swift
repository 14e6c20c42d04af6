internal import CSystemd
internal import Glibc

/// Why the user's service manager has not done what it was asked to.
public struct BusFailure: Error, Hashable, Sendable, CustomStringConvertible {
    let what: String
    let errno: Int32
    /// In its own words, where it has answered.
    var said: String?

    public var description: String { "\(what): \(said ?? String(cString: strerror(errno)))" }
}

/// A transient scope of the calling user's service manager, delegated to what is in it (systemd.scope(5)).
public enum TransientScope {
    private static func checked(_ what: String, _ result: Int32) throws(BusFailure) {
        if result < 0 { throw BusFailure(what: what, errno: -result) }
    }

    /// `StartTransientUnit` of org.freedesktop.systemd1.Manager, as `systemd-run --scope` calls it.
    ///
    /// - Parameters:
    ///   - pid: a process of the calling user's.
    ///   - unit: the scope's name, `codex-sandbox-….scope`.
    /// - Throws: `BusFailure` where there is no manager, or it does not want to.
    public static func start(around pid: UInt32, named unit: String) throws(BusFailure) {
        var opened: OpaquePointer?
        try checked("the user's bus cannot be reached", sd_bus_open_user(&opened))
        guard let bus = opened else { throw BusFailure(what: "the user's bus", errno: EIO) }
        defer { sd_bus_flush_close_unref(bus) }
        try checkNumbers(bus)
        var made: OpaquePointer?
        try checked(
            "no message could be made",
            sd_bus_message_new_method_call(
                bus,
                &made,
                "org.freedesktop.systemd1",
                "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager",
                "StartTransientUnit"
            )
        )
        guard let message = made else { throw BusFailure(what: "no message could be made", errno: EIO) }
        defer { sd_bus_message_unref(message) }
        let text = Message(message)
        try text.string(unit)
        try text.string("fail")
        try text.container("a", "(sv)") { () throws(BusFailure) in
            try text.property("Description", "s") { () throws(BusFailure) in try text.string("codex-sandbox run") }
            try text.property("Delegate", "b") { () throws(BusFailure) in try text.boolean(true) }
            try text.property("CollectMode", "s") { () throws(BusFailure) in try text.string("inactive-or-failed") }
            try text.property("PIDs", "au") { () throws(BusFailure) in
                try text.container("a", "u") { () throws(BusFailure) in try text.number(pid) }
            }
        }
        // Auxiliary units: none.
        try text.container("a", "(sa(sv))") {}
        var error = sd_bus_error()
        defer { sd_bus_error_free(&error) }
        // A few milliseconds; nobody is to wait for a manager that does not answer.
        let called = sd_bus_call(bus, message, 5_000_000, &error, nil)
        if called < 0 {
            let said = error.message.map { String(cString: $0) }
            throw BusFailure(what: "the user's manager made no scope", errno: -called, said: said)
        }
    }

    /// Whether the bus knows this process by the number that it has here.
    ///
    /// In a pid namespace of a container whose caller was handed the host's bus, `pid` would be another process to the manager.
    private static func checkNumbers(_ bus: OpaquePointer) throws(BusFailure) {
        var name: UnsafePointer<CChar>?
        try checked("the user's bus cannot be reached", sd_bus_get_unique_name(bus, &name))
        var found: OpaquePointer?
        let isPID: UInt64 = 1  // SD_BUS_CREDS_PID, an enumerator that Swift does not see
        try checked("the user's bus does not say who asks", sd_bus_get_name_creds(bus, name, isPID, &found))
        guard let credentials = found else {
            throw BusFailure(what: "the user's bus does not say who asks", errno: EIO)
        }
        defer { sd_bus_creds_unref(credentials) }
        var pid: pid_t = 0
        try checked("the user's bus does not say who asks", sd_bus_creds_get_pid(credentials, &pid))
        guard pid == getpid() else {
            throw BusFailure(
                what: "the user's bus",
                errno: EXDEV,
                said: "it counts processes in another pid namespace"
            )
        }
    }

    /// A message that is being written.
    private struct Message {
        private let message: OpaquePointer

        init(_ message: OpaquePointer) { self.message = message }

        private func append(_ type: StaticString, _ value: UnsafeRawPointer) throws(BusFailure) {
            let code = CChar(bitPattern: type.utf8Start.pointee)
            try checked("no message could be written", sd_bus_message_append_basic(message, code, value))
        }

        func string(_ value: String) throws(BusFailure) {
            let bytes = Array(value.utf8CString)
            let result = bytes.withUnsafeBufferPointer {
                sd_bus_message_append_basic(message, CChar(UInt8(ascii: "s")), $0.baseAddress)
            }
            try checked("no message could be written", result)
        }

        func number(_ value: UInt32) throws(BusFailure) {
            var value = value
            try append("u", &value)
        }

        func boolean(_ value: Bool) throws(BusFailure) {
            // An int to libsystemd.
            var value: Int32 = value ? 1 : 0
            try append("b", &value)
        }

        func container(
            _ type: StaticString,
            _ contents: String,
            _ body: () throws(BusFailure) -> Void
        ) throws(BusFailure) {
            let code = CChar(bitPattern: type.utf8Start.pointee)
            try checked("no message could be written", sd_bus_message_open_container(message, code, contents))
            try body()
            try checked("no message could be written", sd_bus_message_close_container(message))
        }

        func property(
            _ name: String,
            _ type: String,
            _ body: () throws(BusFailure) -> Void
        ) throws(BusFailure) {
            try container("r", "sv") { () throws(BusFailure) in
                try string(name)
                try container("v", type, body)
            }
        }
    }
}
