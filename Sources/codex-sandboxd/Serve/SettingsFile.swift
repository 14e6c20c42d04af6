import Glibc
import SandboxAPI
import SandboxPlan

/// Settings that come from files and from the environment.
enum SettingsFile {
    /// `.env` of the current folder where no file is named; that one may be missing, and so may one with a dash before it, as
    /// service managers write it (`EnvironmentFile=`).
    static func read(_ named: OSString?) throws(ServeError) -> DotEnvFile {
        let isOptional = named == nil || named?.bytes.first == UInt8(ascii: "-")
        let path = named.map { isOptional ? OSString($0.bytes.dropFirst()) : $0 } ?? ".env"
        guard let bytes = try contents(path, mayBeMissing: isOptional, limit: DotEnvFile.sizeLimit) else {
            return try parsed([], path)
        }
        return try parsed(bytes, path)
    }

    /// `.env.live` of the current folder, where there is one: the credentials of live workers, apart from all other settings
    /// (ORC-21, ORC-36).
    static func live() throws(ServeError) -> DotEnvFile? {
        let path: OSString = ".env.live"
        guard let bytes = try contents(path, mayBeMissing: true, limit: DotEnvFile.sizeLimit) else { return nil }
        return try parsed(bytes, path)
    }

    private static func parsed(_ bytes: [UInt8], _ name: OSString) throws(ServeError) -> DotEnvFile {
        do throws(DotEnvError) {
            return try DotEnvFile(bytes)
        } catch { throw ServeError("\(name): \(error)") }
    }

    /// The first line of a file that only its owner can read.
    static func token(_ path: OSString) throws(ServeError) -> String {
        try token(path, contents(path, mayBeMissing: false, limit: tokenLimit) ?? [])
    }

    /// The same of a file that may be missing.
    static func optionalToken(_ path: OSString) throws(ServeError) -> String? {
        guard let bytes = try contents(path, mayBeMissing: true, limit: tokenLimit) else { return nil }
        return try token(path, bytes)
    }

    private static let tokenLimit = 4096

    private static func token(_ path: OSString, _ bytes: [UInt8]) throws(ServeError) -> String {
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
        guard let text = String(validating: line, as: UTF8.self) else {
            throw ServeError("\(path): the token is not UTF-8; write one of letters and digits")
        }
        return text
    }

    private static func contents(_ path: OSString, mayBeMissing: Bool, limit: Int) throws(ServeError) -> [UInt8]? {
        let number = CString.with(path) { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
        let code = errno
        if number < 0, code == ENOENT, mayBeMissing { return nil }
        guard number >= 0 else {
            throw ServeError("\(path) cannot be read: \(ErrnoName.described(code)); see that it may be")
        }
        defer { close(number) }
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ServeError("\(path) is no regular file; name one")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(number, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw ServeError("\(path) cannot be read: \(ErrnoName.described(errno)); see that it may be")
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else {
                throw ServeError("\(path) is longer than \(limit) bytes; make it shorter")
            }
        }
    }

    /// The first entry of a name, as getenv(3) finds it; of bytes that are not UTF-8 nothing is a setting.
    static func variable(_ name: String, in environment: [OSString]) -> String? {
        let prefix = Array((name + "=").utf8)
        return environment.first { $0.bytes.starts(with: prefix) }.flatMap {
            OSString($0.bytes.dropFirst(prefix.count)).utf8
        }
    }

    /// A path from the current folder on, with no links resolved.
    static func absolute(_ path: String) throws(ServeError) -> OSString {
        let written = OSString(path)
        guard !written.isAbsolute else { return try real(written) }
        guard let folder = getcwd(nil, 0) else {
            throw ServeError("the current folder cannot be found (\(ErrnoName.described(errno))); start in another one")
        }
        defer { free(folder) }
        return try real(OSString(UnsafeRawBufferPointer(start: folder, count: strlen(folder))).appending(written))
    }

    /// Without links and `.`; what does not exist yet stands below what does.
    private static func real(_ path: OSString) throws(ServeError) -> OSString {
        var rest: [OSString] = []
        var front = path
        while true {
            let found = CString.with(front) { realpath($0, nil) }
            let code = errno
            if let found {
                defer { free(found) }
                let real = OSString(UnsafeRawBufferPointer(start: found, count: strlen(found)))
                return rest.reversed().reduce(real) { $0.appending($1) }
            }
            guard code == ENOENT, front != "/", front.lastComponent != ".." else {
                throw ServeError("WORKSPACE_ROOT \(path): \(ErrnoName.described(code)); name another folder")
            }
            if front.lastComponent != "." && !front.lastComponent.isEmpty { rest.append(front.lastComponent) }
            front = front.parent
        }
    }
}
