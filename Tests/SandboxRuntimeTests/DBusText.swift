/// Messages of D-Bus's, as a bus and a service at it would send them (D-Bus Specification, "Marshaling").
struct DBusText {
    /// A part of a body.
    indirect enum Value {
        case number(UInt32)
        /// A string, or the path of an object.
        case text(String)
        case signature(String)
        case align(Int)
        /// Of elements that begin at multiples of 8.
        case array([Value])
    }

    /// What a message is.
    enum Kind {
        case reply(UInt32)
        case error(String, UInt32)
        case signal(String, String)
    }

    private var bytes: [UInt8] = []

    private mutating func align(_ size: Int) { while bytes.count % size != 0 { bytes.append(0) } }

    private mutating func number(_ value: UInt32) {
        align(4)
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private mutating func add(_ value: Value) {
        switch value {
        case .number(let value): number(value)
        case .text(let text):
            number(UInt32(text.utf8.count))
            bytes += Array(text.utf8) + [0]
        case .signature(let text): bytes += [UInt8(text.utf8.count)] + Array(text.utf8) + [0]
        case .align(let size): align(size)
        case .array(let elements):
            number(0)
            let place = bytes.count - 4
            align(8)
            let start = bytes.count
            elements.forEach { add($0) }
            for index in 0..<4 {
                bytes[place + index] = UInt8(truncatingIfNeeded: (bytes.count - start) >> (8 * index))
            }
        }
    }

    /// A whole message, little endian; its serial number is the bus's own business.
    static func message(_ kind: Kind, _ signature: String, _ body: [Value]) -> [UInt8] {
        var text = DBusText()
        body.forEach { text.add($0) }
        let type: UInt8
        var fields: [(UInt8, String, Value)] = [
            (7, "s", .text("org.freedesktop.DBus")), (8, "g", .signature(signature)),
        ]
        switch kind {
        case .reply(let serial):
            type = 2
            fields.append((5, "u", .number(serial)))
        case .error(let name, let serial):
            type = 3
            fields += [(4, "s", .text(name)), (5, "u", .number(serial))]
        case .signal(let interface, let member):
            type = 4
            fields += [
                (1, "o", .text("/org/freedesktop/systemd1")), (2, "s", .text(interface)), (3, "s", .text(member)),
            ]
        }
        var whole = DBusText()
        whole.bytes = [UInt8(ascii: "l"), type, 1, 1]
        whole.number(UInt32(text.bytes.count))
        whole.number(1)
        whole.number(0)
        for (code, type, value) in fields {
            whole.align(8)
            whole.bytes.append(code)
            whole.add(.signature(type))
            whole.add(value)
        }
        let length = whole.bytes.count - 16
        for index in 0..<4 { whole.bytes[12 + index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
        whole.align(8)
        return whole.bytes + text.bytes
    }
}
