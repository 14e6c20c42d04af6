import Glibc
import SandboxPlan

/// A folder of results, by its descriptor: what is written in it goes nowhere else, and replaces nothing.
final class SuiteFolder {
    private let descriptor: Int32
    let path: OSString
    private let secrets: SecretGuard

    private init(_ descriptor: Int32, _ path: OSString, _ secrets: SecretGuard) {
        self.descriptor = descriptor
        self.path = path
        self.secrets = secrets
    }

    deinit { close(descriptor) }

    /// The folder at a path that people gave, made with those above it where they are missing.
    static func opened(_ path: OSString, _ secrets: SecretGuard) throws(SuiteError) -> SuiteFolder {
        var front: OSString = path.isAbsolute ? "/" : "."
        for component in path.components {
            front = front.appending(component)
            if front.withCString({ mkdir($0, 0o700) }) != 0, errno != EEXIST { throw failure("make the folder", front) }
        }
        let descriptor = path.withCString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw failure("open the folder", path) }
        return SuiteFolder(descriptor, path, secrets)
    }

    /// A new folder in this one; nil when the name is taken.
    func new(_ name: String) throws(SuiteError) -> SuiteFolder? {
        if mkdirat(descriptor, name, 0o700) != 0 {
            if errno == EEXIST { return nil }
            throw SuiteFolder.failure("make the folder", path.appending(OSString(name)))
        }
        return try inner(name)
    }

    /// A folder in this one, which may be there.
    func folder(_ name: String) throws(SuiteError) -> SuiteFolder {
        if let new = try new(name) { return new }
        return try inner(name)
    }

    private func inner(_ name: String) throws(SuiteError) -> SuiteFolder {
        let number = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw SuiteFolder.failure("open the folder", path.appending(OSString(name))) }
        return SuiteFolder(number, path.appending(OSString(name)), secrets)
    }

    /// A new file, once it is known to have no secret in it.
    func write(_ name: String, _ bytes: [UInt8]) throws(SuiteError) {
        try SuiteFile(self, name).append(bytes)
    }

    func write(_ name: String, _ text: String) throws(SuiteError) { try write(name, Array(text.utf8)) }

    fileprivate func create(_ name: String) throws(SuiteError) -> Int32 {
        let number = openat(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw SuiteFolder.failure("make the file", path.appending(OSString(name))) }
        return number
    }

    fileprivate func refuseSecrets(_ name: String, _ bytes: [UInt8]) throws(SuiteError) {
        if let variable = secrets.found(in: bytes) {
            throw SuiteError(
                "\(path)/\(name) is not written: it would contain the value of \(variable), which the server or its worker gave away; "
                    + "unset it for the suite if it is no secret"
            )
        }
    }

    static func failure(_ action: String, _ path: OSString) -> SuiteError {
        SuiteError("cannot \(action) \(path): \(ErrnoName.described(errno)); see --out")
    }
}

/// A file that grows.
final class SuiteFile {
    private let folder: SuiteFolder
    private let name: String
    private var descriptor: Int32 = -1

    /// Made with the first bytes: none is left behind for what is refused.
    init(_ folder: SuiteFolder, _ name: String) {
        self.folder = folder
        self.name = name
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func append(_ bytes: [UInt8]) throws(SuiteError) {
        try folder.refuseSecrets(name, bytes)
        if descriptor < 0 { descriptor = try folder.create(name) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SuiteFolder.failure("write the file", folder.path.appending(OSString(name))) }
            rest = rest.dropFirst(count)
        }
    }
}

extension OSString {
    /// Lends the bytes with the NUL that the C library wants.
    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
            // The buffer holds at least the NUL, so it has an address.
            guard let start = buffer.baseAddress else { preconditionFailure("an empty buffer with a NUL in it") }
            return body(start)
        }
    }
}
