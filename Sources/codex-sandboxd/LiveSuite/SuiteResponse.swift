import SandboxRuntime

/// An answer that came whole.
struct SuiteResponse {
    var status: Int
    /// Names in lower case.
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// The body as JSON.
    func json(_ what: String) throws(SuiteError) -> JSONValue {
        do throws(JSONError) {
            return try JSONReader.value(in: body)
        } catch { throw SuiteError("\(what) is no JSON that is read here: \(error); it begins \(beginning)") }
    }

    /// At most 120 bytes, for a sentence about it.
    var beginning: String { SuiteText.quoted(body.prefix(120)) }
}

/// What others sent, in our sentences.
enum SuiteText {
    /// In quotes, on one line, in ASCII.
    static func quoted(_ bytes: some Sequence<UInt8>) -> String {
        var text = "\""
        for byte in bytes { text += (0x20..<0x7F).contains(byte) ? String(Unicode.Scalar(byte)) : "." }
        return text + "\""
    }

    /// With a space for each control character: a line of ours stays one line.
    static func line(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let drives =
                scalar.properties.generalCategory == .control || scalar.value == 0x2028 || scalar.value == 0x2029
            line.append(drives ? " " : scalar)
        }
        return String(line)
    }

    /// Whether the second are a part of the first.
    static func contains(_ bytes: [UInt8], _ pattern: [UInt8]) -> Bool {
        guard let first = pattern.first, bytes.count >= pattern.count else { return false }
        return bytes.withUnsafeBufferPointer { all in
            pattern.withUnsafeBufferPointer { part in
                for start in 0...(all.count - part.count) where all[start] == first {
                    var same = 1
                    while same < part.count, all[start + same] == part[same] { same += 1 }
                    if same == part.count { return true }
                }
                return false
            }
        }
    }

    static func contains(_ text: String, _ part: String) -> Bool { contains(Array(text.utf8), Array(part.utf8)) }
}
