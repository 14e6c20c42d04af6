internal import SandboxRuntime
internal import WebTransport

/// Something that does not change while the server runs: its bytes, its tag, and what a browser may do with it.
struct Page: Sendable {
    private let bytes: [UInt8]
    private let headers: HTTPHeaders

    /// A page whose one style and one script stand in it, and nothing else runs.
    ///
    /// - Parameters:
    ///   - html: the page with `%STYLE%` and `%SCRIPT%` where the two go.
    ///   - style: without markup.
    ///   - script: without markup.
    init(html: String, style: String, script: String) {
        let text = Page.replacing(
            "%SCRIPT%",
            in: Page.replacing("%STYLE%", in: html, by: "<style>\(style)</style>"),
            by: "<script>\(script)</script>"
        )
        let policy =
            "default-src 'none'; style-src '\(Page.digest(style))'; script-src '\(Page.digest(script))'; "
            + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        self.init(Array(text.utf8), type: "text/html; charset=utf-8", policy: policy)
    }

    init(_ bytes: [UInt8], type: String, policy: String = "default-src 'none'; frame-ancestors 'none'") {
        self.bytes = bytes
        let tag = Base64Text.text(Array(SHA256.digest(bytes).prefix(12)))
        headers = [
            "Content-Type": type, "Content-Security-Policy": policy, "Cache-Control": "no-cache", "ETag": "\"\(tag)\"",
        ]
    }

    /// CSP level 3, 2.3.1.
    private static func digest(_ text: String) -> String {
        "sha256-" + Base64Text.text(SHA256.digest(Array(text.utf8)))
    }

    /// The first `mark` only; what is put in is not looked at again.
    private static func replacing(_ mark: String, in text: String, by piece: String) -> String {
        let bytes = Array(text.utf8)
        let sought = Array(mark.utf8)
        for start in bytes.indices where bytes[start...].starts(with: sought) {
            return String(
                decoding: bytes[..<start] + Array(piece.utf8) + bytes[(start + sought.count)...],
                as: UTF8.self
            )
        }
        preconditionFailure("a page without \(mark)")
    }

    func response(to head: HTTPRequestHead) -> HTTPResponse {
        if let known = EntityTags(head.headers, "If-None-Match"), let tag = headers["ETag"], known.matchesWeakly(tag) {
            // The transport sends the length of it, and no more.
            return HTTPResponse(status: 304, headers: headers, body: .bytes(bytes))
        }
        return HTTPResponse(status: 200, headers: headers, body: .bytes(bytes))
    }
}
