internal import CShims
internal import Glibc
internal import SandboxPlan

/// Small files by which it is seen from outside what an attempt did; each made with the same content.
enum FactFile {
    static let content = Array("untouched\n".utf8)

    /// Nil when it is not there.
    static func size(_ path: OSString) -> Int? {
        var status = stat()
        guard lstat(cString(path), &status) == 0 else { return nil }
        return Int(status.st_size)
    }

    static func isSetUid(_ path: OSString) -> Bool {
        var status = stat()
        return lstat(cString(path), &status) == 0 && status.st_mode & S_ISUID != 0
    }

    static func clearSetUid(_ path: OSString) { chmod(cString(path), 0o755) }

    static func remove(_ path: OSString) { unlink(cString(path)) }

    /// As it was in the beginning, for whoever owns the folder.
    static func make(_ path: OSString) { make(path, content) }

    @discardableResult
    static func make(_ path: OSString, _ bytes: [UInt8], mode: mode_t = 0o600) -> Bool {
        remove(path)
        let file = open(cString(path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard file >= 0 else { return false }
        defer { close(file) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return fchmod(file, mode) == 0 && give(path)
    }

    /// As root: to the user that launches in the workspace run as.
    static func give(_ path: OSString) -> Bool {
        geteuid() != 0 || lchown(cString(path), VerifyPlace.unprivileged, VerifyPlace.unprivileged) == 0
    }

    static func cString(_ path: OSString) -> [CChar] { path.bytes.map { CChar(bitPattern: $0) } + [0] }
}
