@testable import SandboxAPI
@testable import SandboxRuntime

extension JSONText {
    /// Whether a string that was written reads back, and as those bytes where they are given.
    static func isReadBack(_ json: [UInt8], _ bytes: [UInt8]?) -> Bool {
        guard case .string(let text)? = try? JSONRequestReader.value(in: json) else { return false }
        return bytes.map { Array(text.utf8) == $0 } ?? true
    }
}
