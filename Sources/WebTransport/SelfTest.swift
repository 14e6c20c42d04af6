import CMicrohttpd
import Glibc

/// One request to the server from within: over a pair of sockets instead of a listener, for each of its threads.
struct SelfTest {
    var path: String
    var seconds: Double

    private struct Asked {
        var descriptor: Int32
        var answer: [UInt8] = []
        var isOver = false
    }

    func run(_ core: ServerCore) -> [Int?] {
        let count = core.settings.threads
        let none = [Int?](repeating: nil, count: count)
        var asked: [Asked] = []
        var others: [Int32] = []
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        for _ in 0..<count {
            var pair: [Int32] = [-1, -1]
            guard socketpair(AF_UNIX, type, 0, &pair) == 0 else { break }
            asked.append(Asked(descriptor: pair[0]))
            others.append(pair[1])
        }
        defer { for one in asked { Glibc.close(one.descriptor) } }
        guard asked.count == count else {
            for descriptor in others { Glibc.close(descriptor) }
            return none
        }
        let words = Array(
            "GET \(path) HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: self-test\r\nConnection: close\r\n\r\n".utf8
        )
        // Fits into an empty socket's buffer.
        for one in asked { _ = send(one.descriptor, words, words.count, Int32(MSG_NOSIGNAL)) }
        core.addSelfTests(others)
        let deadline = MonotonicTime.after(seconds)
        while asked.contains(where: { !$0.isOver }), MonotonicTime.now() < deadline { read(&asked) }
        // A server that has ended takes none.
        for descriptor in core.takeSelfTests() { Glibc.close(descriptor) }
        return asked.map { SelfTest.status($0.answer) }
    }

    private func read(_ asked: inout [Asked]) {
        var polled = asked.map { pollfd(fd: $0.isOver ? -1 : $0.descriptor, events: Int16(POLLIN), revents: 0) }
        guard poll(&polled, nfds_t(polled.count), 100) > 0 else { return }
        for index in asked.indices where polled[index].revents != 0 {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(asked[index].descriptor, &buffer, buffer.count, 0)
            if count > 0, asked[index].answer.count < 64 { asked[index].answer += buffer[..<count] }
            // The status line is all that is wanted.
            asked[index].isOver = count == 0 || asked[index].answer.count >= 13 || count < 0 && errno != EAGAIN
        }
    }

    /// Of `HTTP/1.1 200 OK`.
    private static func status(_ answer: [UInt8]) -> Int? {
        guard answer.count >= 12 else { return nil }
        return Int(String(decoding: answer[9..<12], as: UTF8.self))
    }
}
