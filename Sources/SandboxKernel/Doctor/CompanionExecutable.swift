internal import Glibc
public import SandboxPlan

/// Where `codex-sandboxd` is: beside `codex-sandbox`, or in `../libexec/codex-sandbox/`.
///
/// Never looked for by PATH, folder or environment: whoever sets those would choose what runs unconfined.
public enum CompanionExecutable: Hashable, Sendable {
    case found(OSString)
    case absent(tried: [OSString])
    /// It is there, and is not to be executed; the sentence says why.
    case unusable(OSString, why: String)
    /// Our own path is not known.
    case unknown(errno: Int32)

    static let name: OSString = "codex-sandboxd"

    /// Looks from the real path of /proc/self/exe.
    public static func find() -> CompanionExecutable {
        let path: OSString
        do throws(SyscallError) {
            path = try ownPath()
        } catch {
            return .unknown(errno: error.errno)
        }
        var own = stat()
        guard stat(link, &own) == 0 else { return .unknown(errno: errno) }
        return find(besides: path, owner: own.st_uid)
    }

    private static let link = "/proc/self/exe"

    /// The real path of the executable that this process runs.
    public static func ownPath() throws(SyscallError) -> OSString {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = buffer.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { readlink(link, $0, text.count) } ?? 0
            }
        }
        let code = length < 0 ? errno : ENAMETOOLONG
        guard (0..<buffer.count).contains(length) else {
            throw SyscallError(call: "readlink", subject: link, errno: code)
        }
        return OSString(buffer[..<length])
    }

    /// The places for an executable at `path`, whose owner is `owner`.
    static func find(besides path: OSString, owner: UInt32) -> CompanionExecutable {
        let folder = path.parent
        let places = [
            folder.appending(name),
            folder.parent.appending("libexec").appending("codex-sandbox").appending(name),
        ]
        for place in places {
            var state = stat()
            guard place.withCString({ stat($0, &state) }) == 0 else {
                let code = errno
                if code == ENOENT || code == ENOTDIR { continue }
                return .unusable(place, why: "it cannot be looked at: \(ErrnoName.described(code))")
            }
            if let why = objection(to: state, at: place, owner: owner) { return .unusable(place, why: why) }
            return .found(place)
        }
        return .absent(tried: places)
    }

    /// Whoever could change it must be somebody who could change `codex-sandbox` itself.
    private static func objection(to state: stat, at place: OSString, owner: UInt32) -> String? {
        guard state.st_mode & S_IFMT == S_IFREG else { return "it is not a file" }
        guard state.st_uid == 0 || state.st_uid == owner else {
            return "it belongs to uid \(state.st_uid), and codex-sandbox to uid \(owner)"
        }
        guard state.st_mode & S_IWOTH == 0 else { return "everybody can write to it" }
        guard place.withCString({ access($0, X_OK) }) == 0 else {
            return "it cannot be executed: \(ErrnoName.described(errno))"
        }
        return nil
    }
}
