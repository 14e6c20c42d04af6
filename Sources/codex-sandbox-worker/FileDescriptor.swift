import Glibc

/// An open file, closed with the value.
struct FileDescriptor: ~Copyable {
    let number: Int32

    /// Takes over an open file.
    init(owning number: Int32) {
        self.number = number
    }

    /// Takes over what a call that opens has answered; `subject` is what was to be opened, for the error.
    init(opening subject: String, _ call: () -> Int32) throws(WorkerError) {
        while true {
            let result = call()
            let code = errno
            if result != -1 {
                number = result
                return
            }
            if code != EINTR { throw WorkerError(opening: subject, errno: code) }
        }
    }

    deinit { close(number) }

    /// All of it, up to `limit` bytes.
    ///
    /// - Returns: nil where there is more.
    func contents(of subject: String, limit: Int) throws(WorkerError) -> [UInt8]? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = piece.withUnsafeMutableBytes { read(number, $0.baseAddress, $0.count) }
            let code = errno
            if count == -1 && code == EINTR { continue }
            guard count != -1 else { throw WorkerError("read", subject, errno: code) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
            if bytes.count > limit { return nil }
        }
    }

    func write(_ bytes: [UInt8], to subject: String) throws(WorkerError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
            let code = errno
            if count == -1 && code == EINTR { continue }
            guard count != -1 else { throw WorkerError("write", subject, errno: code) }
            rest = rest.dropFirst(count)
        }
    }
}

extension WorkerError {
    /// A call that failed for a reason of the system's.
    init(_ call: String, _ subject: String, errno code: Int32) {
        self.init(.systemCall, "\(call) \(subject): \(String(cString: strerror(code)))")
    }

    /// An open that failed: some reasons say what lies at the name.
    init(opening subject: String, errno code: Int32) {
        switch code {
        case ELOOP: self.init(.unusableFile, "\(subject) is a symbolic link, which is not followed; remove it")
        case ENOTDIR: self.init(.unusableFile, "\(subject) is not a folder, or is a link to one; remove it")
        case ENXIO: self.init(.unusableFile, "\(subject) is a socket or a device, not a file; remove it")
        default: self.init("open", subject, errno: code)
        }
    }
}
