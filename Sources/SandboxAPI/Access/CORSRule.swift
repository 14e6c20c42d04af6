internal import WebTransport

/// What pages of other origins may do (Fetch standard, CORS protocol), in the ways of the original's middleware.
final class CORSRule: Sendable {
    private let origins: Set<String>
    private let takesEveryOrigin: Bool
    private let methods: [String]
    private let headers: [String]
    private let lowerHeaders: Set<String>
    private let takesEveryHeader: Bool
    private let allowsCredentials: Bool

    init(_ settings: APISettings) {
        origins = Set(settings.allowOrigins)
        takesEveryOrigin = settings.allowOrigins.contains("*")
        methods =
            settings.allowMethods.contains("*")
            ? ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] : settings.allowMethods
        // Those that need no preflight are allowed in one too.
        let safe = ["Accept", "Accept-Language", "Content-Language", "Content-Type"]
        headers = Set(safe + settings.allowHeaders).sorted()
        lowerHeaders = Set(headers.map { $0.lowercased() })
        takesEveryHeader = settings.allowHeaders.contains("*")
        allowsCredentials = settings.allowCredentials
    }

    func allows(_ origin: String) -> Bool { takesEveryOrigin || origins.contains(origin) }

    /// Whether the request may change something: it comes from no page, from an allowed one, or from one of this server's.
    func mayChange(_ head: HTTPRequestHead) -> Bool {
        guard head.headers.contains("Origin") else { return true }
        guard let origin = head.headers["Origin"] else { return false }
        if allows(origin) { return true }
        // The host was found to be a name of this server, so no page of another site has it for its own.
        guard let host = head.headers["Host"] else { return false }
        return origin.lowercased() == "http://\(host.lowercased())"
    }

    /// The fields that let a page read an answer.
    func mark(_ headers: inout HTTPHeaders, for head: HTTPRequestHead) {
        if !takesEveryOrigin { headers.add("Vary", "Origin") }
        guard let origin = head.headers["Origin"], allows(origin) else { return }
        // A refused preflight says nothing that a page could take for a permission (ORC-34).
        if CORSRule.isPreflight(head), refusal(ofPreflight: head) != nil { return }
        headers.set("Access-Control-Allow-Origin", takesEveryOrigin ? "*" : origin)
        if allowsCredentials { headers.set("Access-Control-Allow-Credentials", "true") }
        headers.set("Access-Control-Expose-Headers", CORSRule.exposed)
    }

    private static let exposed =
        "Content-Range, ETag, Location, Preference-Applied, Retry-After, X-Dropped-Bytes, X-Next-After, X-Request-ID"

    static func isPreflight(_ head: HTTPRequestHead) -> Bool {
        head.method == "OPTIONS" && head.headers.contains("Origin")
            && head.headers.contains("Access-Control-Request-Method")
    }

    /// What is refused of a preflight, in the original's words; nil if nothing is.
    func refusal(ofPreflight head: HTTPRequestHead) -> String? {
        var refused: [String] = []
        if !(head.headers["Origin"].map { allows($0) } ?? false) { refused.append("origin") }
        if !(head.headers["Access-Control-Request-Method"].map { methods.contains($0) } ?? false) {
            refused.append("method")
        }
        let names = head.headers.all("Access-Control-Request-Headers").flatMap { FieldText.list($0) }
        if !takesEveryHeader, !names.allSatisfy({ lowerHeaders.contains($0.lowercased()) }) {
            refused.append("headers")
        }
        return refused.isEmpty ? nil : "Disallowed CORS " + refused.joined(separator: ", ")
    }

    /// The fields of the answer to an allowed preflight, beside those of `mark`.
    func preflightFields(for head: HTTPRequestHead) -> [(String, String)] {
        let asked = head.headers.all("Access-Control-Request-Headers").flatMap { FieldText.list($0) }
        let isSendable = asked.allSatisfy { $0.utf8.allSatisfy { FieldText.isTokenByte($0) } }
        let allowed = takesEveryHeader && isSendable && !asked.isEmpty ? asked : headers
        return [
            ("Access-Control-Allow-Methods", methods.joined(separator: ", ")),
            ("Access-Control-Allow-Headers", allowed.joined(separator: ", ")),
            ("Access-Control-Max-Age", "600"),
        ]
    }
}
