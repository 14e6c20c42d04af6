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
    static func checked(_ what: String, _ result: Int32) throws(BusFailure) {
        if result < 0 { throw BusFailure(what: what, errno: -result) }
    }

    /// `StartTransientUnit` of org.freedesktop.systemd1.Manager, as `systemd-run --scope` calls it; waits until its job is done.
    ///
    /// - Parameters:
    ///   - pid: a process of the calling user's.
    ///   - unit: the scope's name, `codex-sandbox-….scope`.
    /// - Throws: `BusFailure` where there is no manager, it does not want to, or cannot.
    public static func start(around pid: UInt32, named unit: String) throws(BusFailure) {
        var opened: OpaquePointer?
        try checked("the user's bus cannot be reached", sd_bus_open_user(&opened))
        guard let bus = opened else { throw BusFailure(what: "the user's bus", errno: EIO) }
        defer { sd_bus_flush_close_unref(bus) }
        try checkNumbers(bus)
        try listen(bus, for: unit)
        // A handle stays with its process; a number may be another's when a manager that was held up reads it. One before systemd 254
        // takes numbers alone, and says so.
        let handle = sd_bus_can_send(bus, CChar(UInt8(ascii: "h"))) > 0 ? cs_pidfd_open_for_bus(pid_t(pid)) : -1
        defer { if handle >= 0 { close(handle) } }
        if handle < 0 {
            try request(bus, unit, .number(pid))
        } else if try !request(bus, unit, .handle(handle)) {
            try request(bus, unit, .number(pid))
        }
        let result = try result(bus, of: unit)
        guard result == "done" else {
            throw BusFailure(
                what: "the user's manager made no scope",
                errno: EIO,
                said: "its job ended as \(result) (journalctl --user may have why)"
            )
        }
    }

    /// How a process is told to the manager.
    private enum Member {
        case handle(Int32)
        case number(UInt32)
    }

    /// - Returns: false where the manager does not know how the process is named.
    @discardableResult
    private static func request(
        _ bus: OpaquePointer,
        _ unit: String,
        _ member: Member
    ) throws(BusFailure) -> Bool {
        let text = try Message(
            bus,
            to: "org.freedesktop.systemd1",
            "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager",
            "StartTransientUnit"
        )
        try text.string(unit)
        try text.string("fail")
        try text.container("a", "(sv)") { () throws(BusFailure) in
            try text.property("Description", "s") { () throws(BusFailure) in try text.string("codex-sandbox run") }
            try text.property("Delegate", "b") { () throws(BusFailure) in try text.boolean(true) }
            try text.property("CollectMode", "s") { () throws(BusFailure) in try text.string("inactive-or-failed") }
            switch member {
            case .handle(let handle):
                try text.property("PIDFDs", "ah") { () throws(BusFailure) in
                    try text.container("a", "h") { () throws(BusFailure) in try text.handle(handle) }
                }
            case .number(let number):
                try text.property("PIDs", "au") { () throws(BusFailure) in
                    try text.container("a", "u") { () throws(BusFailure) in try text.number(number) }
                }
            }
        }
        // Auxiliary units: none.
        try text.container("a", "(sa(sv))") {}
        var error = sd_bus_error()
        defer { sd_bus_error_free(&error) }
        // A few milliseconds; nobody is to wait for a manager that does not answer.
        let called = sd_bus_call(bus, text.pointer, 5_000_000, &error, nil)
        if called >= 0 { return true }
        let unknown = ["UnknownProperty", "PropertyReadOnly"].map { "org.freedesktop.DBus.Error.\($0)" }
        let isUnknown = unknown.contains { (name: String) in sd_bus_error_has_name(&error, name) > 0 }
        if case .handle = member, isUnknown { return false }
        let said = error.message.map { String(cString: $0) }
        throw BusFailure(what: "the user's manager made no scope", errno: -called, said: said)
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
}
