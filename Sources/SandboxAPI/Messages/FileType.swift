internal import SandboxPlan

/// What a workspace's file is sent as.
struct FileType: Hashable {
    var contentType: String
    /// Whether a browser may show it; what could run as a page or a script is only to be saved.
    var isInline: Bool

    /// By the name's ending, as people write it.
    init(_ path: OSString) {
        let name = path.lastComponent.bytes
        let ending = name.lastIndex(of: UInt8(ascii: ".")).map { name[($0 + 1)...] } ?? []
        let known = FileType.types[String(decoding: Array(ending), as: UTF8.self).lowercased()]
        self = known ?? FileType("application/octet-stream", isInline: false)
    }

    private init(_ contentType: String, isInline: Bool) {
        self.contentType = contentType
        self.isInline = isInline
    }

    private static let text = FileType("text/plain; charset=utf-8", isInline: true)

    private static func shown(_ type: String) -> FileType { FileType(type, isInline: true) }

    private static func saved(_ type: String) -> FileType { FileType(type, isInline: false) }

    private static let types: [String: FileType] = [
        "txt": text, "md": text, "log": text, "py": text, "swift": text, "c": text, "h": text, "cc": text, "cpp": text,
        "hpp": text, "rs": text, "go": text, "java": text, "rb": text, "sh": text, "toml": text, "yaml": text,
        "yml": text,
        "ini": text, "cfg": text, "diff": text, "patch": text, "ts": text, "tsx": text, "jsx": text,
        "csv": shown("text/csv; charset=utf-8"),
        "json": shown("application/json"), "jsonl": shown("application/jsonl"),
        "png": shown("image/png"), "jpg": shown("image/jpeg"), "jpeg": shown("image/jpeg"), "gif": shown("image/gif"),
        "webp": shown("image/webp"), "avif": shown("image/avif"), "ico": shown("image/x-icon"),
        "html": saved("text/html; charset=utf-8"), "htm": saved("text/html; charset=utf-8"),
        "xhtml": saved("application/xhtml+xml"), "svg": saved("image/svg+xml"), "xml": saved("application/xml"),
        "xsl": saved("application/xslt+xml"), "css": saved("text/css; charset=utf-8"),
        "js": saved("text/javascript; charset=utf-8"), "mjs": saved("text/javascript; charset=utf-8"),
        "wasm": saved("application/wasm"), "pdf": saved("application/pdf"),
        "tar": saved("application/x-tar"), "gz": saved("application/gzip"), "zip": saved("application/zip"),
    ]

    /// RFC 6266: a name for old clients, and the exact one where it is UTF-8.
    func disposition(_ path: OSString) -> String {
        let name = path.lastComponent
        let plain = name.bytes.map { byte in
            PercentCoding.isUnreserved(byte) || byte == UInt8(ascii: " ") ? byte : UInt8(ascii: "_")
        }
        var field = (isInline ? "inline" : "attachment") + "; filename=\"\(String(decoding: plain, as: UTF8.self))\""
        if plain != name.bytes, name.utf8 != nil {
            field += "; filename*=UTF-8''" + PercentCoding.encoded(name.bytes, keepsSlash: false)
        }
        return field
    }
}
