import SandboxRuntime

/// Why the server did not start: what, why, and what to do about it.
struct ServeError: Error {
    var text: String
    /// Whether the command line itself is at fault: exit status 2.
    var isUsage = false

    init(_ text: String) { self.text = text }

    static func withoutToken(_ address: String) -> ServeError {
        ServeError(
            "\(address) can be reached from other hosts, and there is no token; set API_TOKEN or --token-file, or listen on "
                + "127.0.0.1, [::1] or unix:/PATH"
        )
    }

    /// The same of records.
    static func records<Value>(_ body: () throws(EvidenceError) -> Value) throws(ServeError) -> Value {
        do throws(EvidenceError) { return try body() } catch { throw ServeError("\(error.message); \(error.remedy)") }
    }
}
