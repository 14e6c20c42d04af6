internal import SandboxRuntime

/// What a 422 shows of a value: all of it, as Pydantic does, while it is small; else its beginning in the same shape.
enum EchoedInput {
    /// Bytes of names and texts, and entries at 16 each, that are shown.
    static let limit = 16 << 10
    /// Stands at the end of a text that is cut.
    static let mark = "…"

    static func of(_ value: JSONValue) -> JSONValue {
        var room = limit
        let shown = cut(value, &room)
        return room >= 0 ? value : shown
    }

    /// Takes what it shows from `room`; below zero something was left out.
    private static func cut(_ value: JSONValue, _ room: inout Int) -> JSONValue {
        room -= 16
        switch value {
        case .null, .bool, .integer: return value
        case .number(let text):
            let shown = cut(text, &room)
            return room >= 0 ? value : .string(shown)
        case .string(let text): return .string(cut(text, &room))
        case .array(let values):
            var shown: [JSONValue] = []
            for value in values {
                guard room > 0 else {
                    room = -1
                    break
                }
                shown.append(cut(value, &room))
            }
            return .array(shown)
        case .object(let object):
            var shown = JSONObject()
            for member in object.members {
                guard room > member.key.utf8.count else {
                    room = -1
                    break
                }
                room -= member.key.utf8.count
                shown.add(member.key, cut(member.value, &room))
            }
            return .object(shown)
        }
    }

    private static func cut(_ text: String, _ room: inout Int) -> String {
        guard text.utf8.count > max(room, 0) else {
            room -= text.utf8.count
            return text
        }
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            room -= UTF8.width(scalar)
            if room < 0 { break }
            shown.append(scalar)
        }
        room = -1
        return String(shown) + mark
    }
}
