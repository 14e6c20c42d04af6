import Glibc
import SandboxAPI
import SandboxPlan

/// Settings that come from files and from the environment.
enum SettingsFile {
    /// `.env` of the current folder where no file is named; that one may be missing, and so may one with a dash before it, as
    /// service managers write it (`EnvironmentFile=`).
    ///
    /// - Parameters:
    ///   - named: `--env-file`; nil where nobody has named one.
    ///   - stateFolder: `--state-dir`, whose records say where jobs have run; nil for the usual place.
    /// - Returns: what it says; nothing where it is missing and may be.
    /// - Throws: `ServeError` for one that cannot be read, or that others, or a job, may have written.
    static func read(_ named: OSString?, stateFolder: OSString? = nil) throws(ServeError) -> DotEnvFile {
        let isOptional = named == nil || named?.bytes.first == UInt8(ascii: "-")
        let path = named.map { isOptional ? OSString($0.bytes.dropFirst()) : $0 } ?? ".env"
        guard let found = try contents(path, mayBeMissing: isOptional, limit: DotEnvFile.sizeLimit) else {
            return try parsed([], path)
        }
        try checkOwner(found.status, path)
        if named == nil, let jobs = try JobsInFolder.here(stateFolder) { throw jobs.refusal(of: path) }
        return try parsed(found.bytes, path)
    }

    /// `.env.live` of the current folder, where there is one: the credentials of live workers, apart from all other settings
    /// (ORC-21, ORC-36).
    ///
    /// - Parameters:
    ///   - stateFolder: as for `read`.
    ///   - warn: gets a sentence for the operator where others may read it.
    /// - Returns: nil where there is none.
    /// - Throws: `ServeError` for one that cannot be read, or that others, or a job, may have written.
    static func live(stateFolder: OSString? = nil, _ warn: (String) -> Void) throws(ServeError) -> DotEnvFile? {
        let path: OSString = ".env.live"
        guard let found = try contents(path, mayBeMissing: true, limit: DotEnvFile.sizeLimit) else { return nil }
        try checkOwner(found.status, path)
        if let jobs = try JobsInFolder.here(stateFolder) { throw jobs.refusal(of: path) }
        if found.status.st_mode & 0o044 != 0 {
            warn(
                "\(path), which is for credentials, can be read by others (mode \(octal(found.status))); chmod 600 \(path)"
            )
        }
        return try parsed(found.bytes, path)
    }

    /// Whoever writes the file of settings says what program the server's jobs run, and where their answers go.
    ///
    /// - Parameters:
    ///   - status: of the open file.
    ///   - path: its path.
    ///   - option: that has named it, of a file with a secret, which nobody else may read either; nil for any other.
    /// - Throws: `ServeError` for one of another account than this one and root, or that is open to others.
    private static func checkOwner(
        _ status: stat,
        _ path: OSString,
        secretOf option: String? = nil
    ) throws(ServeError) {
        let name = option.map { "\($0) \(path)" } ?? "\(path)"
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw ServeError(
                "\(name) belongs to account \(status.st_uid), and this is account \(geteuid()): it is not read; make it your own file"
            )
        }
        guard status.st_mode & (option == nil ? 0o022 : 0o066) == 0 else {
            let open = option == nil ? "written" : "read or written"
            throw ServeError(
                "\(name) can be \(open) by others (mode \(octal(status))): it is not read; chmod 600 \(path)"
            )
        }
    }

    private static func octal(_ status: stat) -> String {
        let digits = String(status.st_mode & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }

    private static func parsed(_ bytes: [UInt8], _ name: OSString) throws(ServeError) -> DotEnvFile {
        do throws(DotEnvError) {
            return try DotEnvFile(bytes)
        } catch { throw ServeError(error.text(of: "\(name)")) }
    }

    /// The first line of `--token-file`, which only its owner, this account or root, can read.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - credentials: the manager's folder of credentials, whose files are as it gave them: their owner may be root, and
    ///     this account's right an access list, which shows as the group's bits (systemd.exec(5), LoadCredential=).
    /// - Returns: the token.
    /// - Throws: `ServeError`, too, for a file that others can read or write.
    static func token(_ path: OSString, credentials: String?) throws(ServeError) -> String {
        guard let found = try contents(path, mayBeMissing: false, limit: tokenLimit) else {
            throw ServeError("--token-file \(path) is missing; name another")
        }
        if credentials.map({ path.parent == OSString($0) }) ?? false { return try token(path, found.bytes) }
        try checkOwner(found.status, path, secretOf: "--token-file")
        return try token(path, found.bytes)
    }

    /// The first line of the credential, which may be missing.
    static func optionalToken(_ path: OSString) throws(ServeError) -> String? {
        guard let found = try contents(path, mayBeMissing: true, limit: tokenLimit) else { return nil }
        return try token(path, found.bytes)
    }

    private static let tokenLimit = 4096

    private static func token(_ path: OSString, _ bytes: [UInt8]) throws(ServeError) -> String {
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
        guard let text = String(validating: line, as: UTF8.self) else {
            throw ServeError("\(path): the token is not UTF-8; write one of letters and digits")
        }
        return text
    }

    /// Nil where it is missing and may be.
    private static func contents(
        _ path: OSString,
        mayBeMissing: Bool,
        limit: Int
    ) throws(ServeError) -> (bytes: [UInt8], status: stat)? {
        let number = CString.with(path) { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
        let code = errno
        if number < 0, code == ENOENT, mayBeMissing {
            var link = stat()
            // Somebody meant a file that is gone: what it said, a token for one, is not to go in silence.
            guard CString.with(path, { lstat($0, &link) }) != 0 else {
                throw ServeError("\(path) is a link to nothing; remove it, or put the file back")
            }
            return nil
        }
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
            if count == 0 { return (bytes, status) }
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

    /// A path from the current folder on, with the links in it resolved.
    ///
    /// - Parameters:
    ///   - path: as somebody has written it.
    ///   - subject: who has named it, for a person: an option or a setting.
    ///   - remedy: what to do where it cannot be resolved.
    /// - Returns: the absolute path; what does not exist yet stands below what does.
    /// - Throws: `ServeError` that says whose path cannot be resolved, and why.
    static func absolute(
        _ path: String,
        of subject: String,
        remedy: String = "name another folder"
    ) throws(ServeError) -> OSString {
        let written = OSString(path)
        guard !written.isAbsolute else { return try real(written, subject, remedy) }
        guard let folder = getcwd(nil, 0) else {
            throw ServeError("the current folder cannot be found (\(ErrnoName.described(errno))); start in another one")
        }
        defer { free(folder) }
        let here = OSString(UnsafeRawBufferPointer(start: folder, count: strlen(folder)))
        return try real(path == "." ? here : here.appending(written), subject, remedy)
    }

    /// Without links and `.`; what does not exist yet stands below what does.
    private static func real(_ path: OSString, _ subject: String, _ remedy: String) throws(ServeError) -> OSString {
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
                throw ServeError("\(subject) \(path): \(ErrnoName.described(code)); \(remedy)")
            }
            if front.lastComponent != "." && !front.lastComponent.isEmpty { rest.append(front.lastComponent) }
            front = front.parent
        }
    }
}
