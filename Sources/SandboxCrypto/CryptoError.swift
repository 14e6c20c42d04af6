internal import COpenSSL
internal import Glibc

/// Why a key could not be made, read or used: what we were doing, to what, why it failed, and what to do.
public struct CryptoError: Error, Hashable, Sendable {
    /// What was attempted: `read the key`.
    public var action: String
    /// A path, or what the key is called.
    public var subject: String
    /// The name of the call that failed; empty when none did.
    public var call: String
    /// errno(3); 0 when none was set.
    public var errno: Int32
    /// Why it failed, where errno does not say it.
    public var cause: String
    /// What to do about it; never empty.
    public var remedy: String

    public init(
        action: String,
        subject: String,
        call: String = "",
        errno: Int32 = 0,
        cause: String = "",
        remedy: String
    ) {
        self.action = action
        self.subject = subject
        self.call = call
        self.errno = errno
        self.cause = cause
        self.remedy = remedy
    }

    /// Of a call of OpenSSL's: its own words, and none of them left for the next one.
    static func openSSL(_ call: String, action: String, subject: String, remedy: String) -> CryptoError {
        var words: [String] = []
        while true {
            let code = ERR_get_error()
            if code == 0 { break }
            if let text = ERR_reason_error_string(code) { words.append(String(cString: text)) }
        }
        let cause = words.isEmpty ? "\(call) failed" : "\(call): \(words.joined(separator: ", "))"
        return CryptoError(action: action, subject: subject, call: call, cause: cause, remedy: remedy)
    }
}
