public import SandboxPlan

/// A path in a project's folder that a client has asked for: relative, of names only.
///
/// Decoded exactly once, to bytes: `%2e%2e/` is `../`, and `%252e` is the name `%2e`. Refused, whatever lies in the folder, are
/// absolute paths, drives (`C:\`, `C:/`), `\\server\share`, NUL, a broken escape, and each `..`, also one that stays inside:
/// where it leads would depend on links. Empty names and `.` mean nothing and are left out. A backslash is a character of a
/// name. Bytes that are not UTF-8 are bytes of a name, which is how a file that has such a name is read; an overlong form of
/// `.` or `/` is a name too, and leads nowhere.
public struct RequestedPath: Hashable, Sendable {
    /// Names with one `/` between them; not empty, no `.`, no `..`.
    public let path: OSString

    /// Bytes of one name, NAME_MAX (limits.h).
    public static let longestName = 255
    /// Bytes of a path, PATH_MAX without the NUL.
    public static let longestPath = 4095

    /// - Parameter encoded: the rest of the request's target as it came, in percent-encoding.
    /// - Throws: `.invalidPath`, or `.noFile` for what no file can be called.
    public init(percentEncoded encoded: some Collection<UInt8>) throws(WorkspaceError) {
        // Every byte may be three long, and `./` may be in between; nobody needs more than that.
        guard encoded.count <= 4 * RequestedPath.longestPath else { throw .noFile("a path longer than PATH_MAX") }
        if let plain = encoded.withContiguousStorageIfAvailable(RequestedPath.isPlain), plain {
            self.init(plain: Array(encoded))
            return
        }
        guard let bytes = PercentCoding.decoded(encoded) else { throw .invalidPath("a % without two digits") }
        try self.init(decoded: bytes)
    }

    private init(plain bytes: [UInt8]) { path = OSString(bytes) }

    /// - Parameter bytes: without any encoding.
    /// - Throws: as the other one.
    public init(decoded bytes: [UInt8]) throws(WorkspaceError) {
        if bytes.contains(0) { throw .invalidPath("NUL in a path") }
        let slash = UInt8(ascii: "/")
        let backslash = UInt8(ascii: "\\")
        if bytes.first == slash { throw .invalidPath("an absolute path") }
        if bytes.count >= 2 && bytes[0] == backslash && bytes[1] == backslash { throw .invalidPath("a share's path") }
        if bytes.count >= 3 && RequestedPath.isLetter(bytes[0]) && bytes[1] == UInt8(ascii: ":")
            && (bytes[2] == slash || bytes[2] == backslash)
        {
            throw .invalidPath("a drive's path")
        }
        let names = bytes.split(separator: slash).filter { !$0.elementsEqual(".".utf8) }
        if names.contains(where: { $0.elementsEqual("..".utf8) }) { throw .invalidPath(".. in a path") }
        guard !names.isEmpty else { throw .noFile("the folder itself") }
        // A folder is meant, and only files are read and written.
        if bytes.last == slash || bytes.suffix(2).elementsEqual("/.".utf8) { throw .noFile("a path of a folder") }
        let path = OSString(Array(names.joined(separator: [slash])))
        guard path.bytes.count <= RequestedPath.longestPath else { throw .noFile("a path longer than PATH_MAX") }
        guard names.allSatisfy({ $0.count <= RequestedPath.longestName }) else {
            throw .noFile("a name longer than NAME_MAX")
        }
        self.path = path
    }

    /// Whether it is a short path of plain names, which means itself: no escape, and a dot or slash only behind a letter, digit,
    /// `-` or `_`; true means so, false that it is looked at further.
    private static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard bytes.count <= longestName else { return false }
        var isName = false
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                isName = true
            case UInt8(ascii: "."), UInt8(ascii: "/"):
                guard isName else { return false }
                isName = false
            default: return false
            }
        }
        return isName
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
