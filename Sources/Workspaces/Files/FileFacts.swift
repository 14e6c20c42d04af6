internal import CShims
internal import Glibc
internal import SandboxPlan

/// What the kernel says of a file (statx(2)).
struct FileFacts: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case file
        case folder
        case link
        /// FIFO, socket or device.
        case special
    }

    var kind: Kind
    var device: UInt64
    var inode: UInt64
    var mode: UInt32
    var uid: UInt32
    var gid: UInt32
    var links: UInt32
    var size: UInt64
    var modified_ns: Int64
    var changed_ns: Int64

    init(_ found: cs_identity) {
        switch found.mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .folder
        case S_IFLNK: kind = .link
        default: kind = .special
        }
        device = found.device
        inode = found.inode
        mode = found.mode
        uid = found.uid
        gid = found.gid
        links = found.links
        size = found.size
        modified_ns = found.modified_ns
        changed_ns = found.changed_ns
    }

    /// Of a descriptor, or of a name without following a link; nil and -errno where there is none.
    static func of(_ folder: Int32, _ name: OSString = "") -> (facts: FileFacts?, result: Int) {
        var found = cs_identity()
        let result = name.withTerminator { cs_identify(folder, $0, &found) }
        return result < 0 ? (nil, result) : (FileFacts(found), 0)
    }

    /// Whether a descriptor's file is this one, and as it was.
    func isSame(_ descriptor: Int32) -> Bool {
        var found = cs_identity()
        return cs_identify(descriptor, "", &found) == 0 && self == FileFacts(found)
    }

    /// Whether it was changed the last time so long before `now_ns` that the next change has another time.
    func isSettled(_ time_ns: Int64, _ now_ns: Int64) -> Bool { max(modified_ns, changed_ns) < now_ns &- time_ns }

    /// The second behind the one in which it was changed last, since 1970-01-01T00:00:00Z: `Last-Modified`.
    ///
    /// Of the kernel's own time of change, which no job can set. The second behind, for a file may change again within the same one: who
    /// has been told a date gets a later one then. A date that is not over yet is not to be told.
    var lastModified_s: Int64 {
        let (seconds, rest) = changed_ns.quotientAndRemainder(dividingBy: 1_000_000_000)
        return seconds + (rest < 0 ? 0 : 1)
    }

    var isExecutable: Bool { mode & 0o111 != 0 }

    /// Where it is and when it was changed: another one after each change of the contents.
    ///
    /// A strong entity tag (RFC 9110, 8.8.3), of the kernel's own time of change, which nobody can set. Two changes in place
    /// within one tick of the kernel's clock (4 ms; none since Linux 6.13) that leave the size have one tag, and so have writes
    /// through a shared mapping to a page that was written to before and is not written out yet.
    var tag: String {
        let parts = [
            String(device, radix: 16), String(inode, radix: 16), String(size, radix: 16),
            String(UInt64(bitPattern: modified_ns), radix: 16), String(UInt64(bitPattern: changed_ns), radix: 16),
        ]
        return "\"" + parts.joined(separator: "-") + "\""
    }
}
