import Glibc

/// A client that sends any bytes, and reads what comes.
final class RawClient {
    enum End {
        case open
        case closed
        case reset
    }

    let descriptor: Int32
    private(set) var buffer: [UInt8] = []
    private(set) var end = End.open

    init(port: UInt16, receiveBuffer: Int32? = nil, timeout: Double = 10) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, 16) }
        }
        guard result == 0 else { throw Failure("connect", errno) }
        patience(timeout)
    }

    init(unix path: String, timeout: Double = 10) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, 110) }
        }
        guard result == 0 else { throw Failure("connect", errno) }
        patience(timeout)
    }

    deinit { close(descriptor) }

    struct Failure: Error {
        var call: String
        var code: Int32

        init(_ call: String, _ code: Int32) {
            self.call = call
            self.code = code
        }
    }

    func patience(_ seconds: Double) {
        var time = timeval(tv_sec: Int(seconds), tv_usec: Int((seconds - seconds.rounded(.down)) * 1e6))
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    /// False once the server takes no more.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    func halfClose() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes with a reset (socket(7), SO_LINGER).
    func reset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    /// Reads once; false at the end, and when nothing comes in time.
    func fill() -> Bool {
        guard end == .open else { return false }
        var piece = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &piece, piece.count, 0)
        if count == 0 { end = .closed }
        if count < 0, errno != EAGAIN { end = .reset }
        if count > 0 { buffer += piece[..<count] }
        return count > 0
    }

    /// All up to the connection's end, or until nothing came for so long.
    func rest(quiet seconds: Double = 10) -> String {
        patience(seconds)
        while fill() {}
        defer { buffer = [] }
        return String(decoding: buffer, as: UTF8.self)
    }

    /// Reads until the text has come; false if it does not.
    func waits(for text: String) -> Bool {
        let wanted = Array(text.utf8)
        while buffer.firstRange(of: wanted) == nil { guard fill() else { return false } }
        return true
    }

    struct Reply {
        var status: Int
        var head: String
        var body: [UInt8]
        /// Whether the body came whole.
        var isWhole: Bool

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// The next answer.
    func reply(hasBody: Bool = true) -> Reply? {
        let gap = Array("\r\n\r\n".utf8)
        while buffer.firstRange(of: gap) == nil { guard fill() else { return nil } }
        guard let range = buffer.firstRange(of: gap) else { return nil }
        let head = String(decoding: buffer[..<range.upperBound], as: UTF8.self)
        buffer.removeSubrange(..<range.upperBound)
        let words = head.split(separator: " ")
        guard words.count > 1, let status = Int(words[1]) else { return nil }
        var reply = Reply(status: status, head: head, body: [], isWhole: true)
        guard hasBody else { return reply }
        if head.lowercased().contains("transfer-encoding: chunked") {
            (reply.body, reply.isWhole) = chunks()
        } else if let length = RawClient.length(head) {
            while buffer.count < length, fill() {}
            let count = min(length, buffer.count)
            reply.body = Array(buffer[..<count])
            reply.isWhole = count == length
            buffer.removeSubrange(..<count)
        } else if status >= 200, status != 204, status != 304 {
            while fill() {}
            reply.body = buffer
            reply.isWhole = end == .closed
            buffer = []
        }
        return reply
    }

    private static func length(_ head: String) -> Int? {
        for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length: ") {
            return Int(line.dropFirst(16))
        }
        return nil
    }

    private func chunks() -> ([UInt8], Bool) {
        var body: [UInt8] = []
        while true {
            while buffer.firstRange(of: [13, 10]) == nil { guard fill() else { return (body, false) } }
            guard let line = buffer.firstRange(of: [13, 10]),
                let size = Int(String(decoding: buffer[..<line.lowerBound], as: UTF8.self), radix: 16)
            else { return (body, false) }
            while buffer.count < line.upperBound + size + 2 { guard fill() else { return (body, false) } }
            body += buffer[line.upperBound..<(line.upperBound + size)]
            buffer.removeSubrange(..<(line.upperBound + size + 2))
            if size == 0 { return (body, true) }
        }
    }
}
