internal import CSystemd
internal import Glibc

/// The end of the manager's job, which it tells by a signal (org.freedesktop.systemd1(5), JobRemoved).
extension TransientScope {
    private static let manager = "org.freedesktop.systemd1.Manager"

    /// From now on the bus hands on how jobs of this unit end.
    ///
    /// Nobody waits for its answer: what it gets next it reads behind this.
    static func listen(_ bus: OpaquePointer, for unit: String) throws(BusFailure) {
        let daemon = "org.freedesktop.DBus"
        let call = try Message(bus, to: daemon, "/org/freedesktop/DBus", daemon, "AddMatch")
        // The third word is the unit's name.
        try call.string(
            "type='signal',sender='org.freedesktop.systemd1',interface='\(manager)',member='JobRemoved',arg2='\(unit)'"
        )
        try checked("the user's bus cannot be reached", sd_bus_send(bus, call.pointer, nil))
    }

    /// Waits until the job of this unit has ended, without a bound of its own: the process has one.
    ///
    /// - Returns: `done`, or what else has become of it.
    static func result(_ bus: OpaquePointer, of unit: String) throws(BusFailure) -> String {
        let what = "the user's manager does not say what became of the scope"
        while true {
            var received: OpaquePointer?
            let processed = sd_bus_process(bus, &received)
            try checked(what, processed)
            if let message = received {
                defer { sd_bus_message_unref(message) }
                if sd_bus_message_is_signal(message, manager, "JobRemoved") > 0 {
                    // The job's number and path.
                    try checked(what, sd_bus_message_skip(message, "uo"))
                    let name = try word(message, what)
                    let result = try word(message, what)
                    if name == unit { return result }
                }
            }
            if processed > 0 { continue }
            let waited = sd_bus_wait(bus, UInt64.max)
            if waited != -EINTR { try checked(what, waited) }
        }
    }

    private static func word(_ message: OpaquePointer, _ what: String) throws(BusFailure) -> String {
        var text: UnsafePointer<CChar>?
        try checked(what, sd_bus_message_read_basic(message, CChar(UInt8(ascii: "s")), &text))
        guard let text else { throw BusFailure(what: what, errno: EBADMSG) }
        return String(cString: text)
    }
}
