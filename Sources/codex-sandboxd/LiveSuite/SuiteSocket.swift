import Glibc
import SandboxCLI
import SandboxPlan

/// A connection to the server, made, written and read within a deadline.
struct SuiteSocket: ~Copyable {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    static func connect(to address: LiveSuiteAddress, _ deadline: Deadline) throws(SuiteError) -> SuiteSocket {
        switch address {
        case .unix(let path): return try connectUnix(path, deadline)
        case .host(let host, let port, _): return try connect(host, port, deadline)
        }
    }

    private static func connectUnix(_ path: OSString, _ deadline: Deadline) throws(SuiteError) -> SuiteSocket {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.bytes) }
        let result = withUnsafeBytes(of: &address) { attempt($0, deadline) }
        return try answered(result, "unix:\(path)")
    }

    /// Every address of the name in turn (getaddrinfo(3)); the last failure is told.
    private static func connect(_ host: String, _ port: UInt16, _ deadline: Deadline) throws(SuiteError) -> SuiteSocket
    {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0 else {
            throw SuiteError("the host \(host) is not found: \(String(cString: gai_strerror(code))); see BASE_URL")
        }
        defer { freeaddrinfo(list) }
        var failure = Result<Int32, SuiteError>.failure(SuiteError("the host \(host) has no address"))
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            failure = attempt(UnsafeRawBufferPointer(start: entry.ai_addr, count: Int(entry.ai_addrlen)), deadline)
            if case .success = failure { break }
        }
        return try answered(failure, "\(host) port \(port)")
    }

    private static func answered(_ result: Result<Int32, SuiteError>, _ name: String) throws(SuiteError) -> SuiteSocket
    {
        switch result {
        case .success(let descriptor): return SuiteSocket(descriptor)
        case .failure(let error):
            throw SuiteError("\(name) cannot be reached: \(error.text); is the server running there?")
        }
    }

    private static func attempt(_ address: UnsafeRawBufferPointer, _ deadline: Deadline) -> Result<Int32, SuiteError> {
        guard let start = address.baseAddress?.assumingMemoryBound(to: sockaddr.self) else {
            return .failure(SuiteError("it has no address"))
        }
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(Int32(start.pointee.sa_family), kind, 0)
        guard descriptor >= 0 else { return .failure(SuiteError(ErrnoName.described(errno))) }
        do throws(SuiteError) {
            if Glibc.connect(descriptor, start, socklen_t(address.count)) != 0 {
                guard errno == EINPROGRESS else { throw SuiteError(ErrnoName.described(errno)) }
                guard try SuiteWait.until(POLLOUT, of: descriptor, deadline, nil) else {
                    throw SuiteError("no answer in time")
                }
                var code: Int32 = 0
                var size = socklen_t(MemoryLayout<Int32>.size)
                guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0, code == 0 else {
                    throw SuiteError(ErrnoName.described(code))
                }
            }
            return .success(descriptor)
        } catch {
            close(descriptor)
            return .failure(error)
        }
    }

    func write(_ bytes: [UInt8], _ deadline: Deadline) throws(SuiteError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                guard try SuiteWait.until(POLLOUT, of: descriptor, deadline, nil) else {
                    throw SuiteError("the server does not take the request in time")
                }
            } else if errno != EINTR {
                throw SuiteError("the connection broke while the request was sent: \(ErrnoName.described(errno))")
            }
        }
    }

    /// The next bytes; empty at the end; nil when the deadline is past.
    func read(_ deadline: Deadline, _ progress: Progress?) throws(SuiteError) -> [UInt8]? {
        while true {
            // Also where bytes come one after the other: the deadline is that of the whole answer.
            if deadline.isPast { return nil }
            var code: Int32 = 0
            var count = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: 64 << 10) { space, initialised in
                count = recv(descriptor, space.baseAddress, space.count, 0)
                code = errno
                initialised = max(count, 0)
            }
            if count >= 0 { return bytes }
            switch code {
            case EINTR: continue
            case EAGAIN:
                guard try SuiteWait.until(POLLIN, of: descriptor, deadline, progress) else { return nil }
            case let other:
                throw SuiteError("the connection broke while the answer came: \(ErrnoName.described(other))")
            }
        }
    }
}
