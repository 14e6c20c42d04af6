internal import CSystemd
internal import Glibc

extension TransientScope {
    /// A call that is being written.
    final class Message {
        /// Lives as long as this.
        let pointer: OpaquePointer
        private var message: OpaquePointer { pointer }

        init(
            _ bus: OpaquePointer,
            to name: String,
            _ object: String,
            _ interface: String,
            _ member: String
        ) throws(BusFailure) {
            var made: OpaquePointer?
            try checked(
                "no message could be made",
                sd_bus_message_new_method_call(bus, &made, name, object, interface, member)
            )
            guard let made else { throw BusFailure(what: "no message could be made", errno: EIO) }
            pointer = made
        }

        deinit { sd_bus_message_unref(pointer) }

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

        /// The message has a copy of its own.
        func handle(_ descriptor: Int32) throws(BusFailure) {
            var descriptor = descriptor
            try append("h", &descriptor)
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
