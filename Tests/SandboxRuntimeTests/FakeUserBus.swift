import Foundation
import Glibc
import SandboxPlan
import Synchronization
import Testing

/// A bus and the user's manager in one, which answers as the test wants (D-Bus Specification, "Message Protocol").
///
/// It knows the calls that `codex-sandboxd scope` makes, and nothing else.
final class FakeUserBus: Sendable {
    /// What became of a request.
    enum Answer: Sendable {
        /// Accepted; the job has this result, and somebody else's was done before.
        case job(String)
        /// Accepted, and never heard of again.
        case jobWithoutEnd
        /// Refused, with the words `no, for once`.
        case error(String)
    }

    /// One `StartTransientUnit`.
    struct Request: Sendable {
        let unit: String
        /// The process of the first of `PIDs`.
        let number: UInt32?
        /// The process of the first of `PIDFDs`.
        let handle: UInt32?
    }

    private let folder: URL
    private let listener: Int32
    private let answer: @Sendable (Request) -> Answer
    private let heard = Mutex<[Request]>([])

    init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
        self.answer = answer
        folder = FileManager.default.temporaryDirectory.appending(path: "bus-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: folder.appending(path: "bus").path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(listener, 8) == 0)
        let door = listener
        Thread { [weak self] in
            // One who asks, and no other; gone with the listener where nobody does.
            let one = accept(door, nil, nil)
            if one < 0 { return }
            self?.serve(one)
            close(one)
        }.start()
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) }
    }

    var environment: [OSString] { [OSString("DBUS_SESSION_BUS_ADDRESS=unix:path=\(folder.path)/bus")] }
    var requests: [Request] { heard.withLock { $0 } }

    private func serve(_ one: Int32) {
        // A struct ucred: pid, uid, gid.
        var peer: [Int32] = [0, 0, 0]
        var size = socklen_t(12)
        getsockopt(one, SOL_SOCKET, SO_PEERCRED, &peer, &size)
        var bytes: [UInt8] = []
        var handles: [Int32] = []
        defer { handles.forEach { close($0) } }
        let begin = Array("BEGIN\r\n".utf8)
        while bytes.firstRange(of: begin) == nil { if !Self.receive(one, &bytes, &handles) { return } }
        if let range = bytes.firstRange(of: begin) { bytes.removeSubrange(..<range.upperBound) }
        Self.send(one, Array("DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n".utf8))
        while true {
            while bytes.count < 16 || bytes.count < Self.length(bytes) {
                if !Self.receive(one, &bytes, &handles) { return }
            }
            let message = Array(bytes.prefix(Self.length(bytes)))
            bytes.removeFirst(message.count)
            reply(to: message, handles, peer[0]).forEach { Self.send(one, $0) }
            // Those of one message may come with the bytes of the one before.
            if message.firstRange(of: Array("StartTransientUnit".utf8)) == nil { continue }
            handles.forEach { close($0) }
            handles = []
        }
    }

    /// What is sent back, in order.
    private func reply(to message: [UInt8], _ handles: [Int32], _ peer: pid_t) -> [[UInt8]] {
        let serial = Self.number(message, 8)
        func isCall(_ member: String) -> Bool { message.firstRange(of: Array("\(member)\0".utf8)) != nil }
        if isCall("Hello") { return [DBusText.message(.reply(serial), "s", [.text(":1.7")])] }
        if isCall("GetConnectionUnixProcessID") {
            return [DBusText.message(.reply(serial), "u", [.number(UInt32(peer))])]
        }
        if isCall("GetConnectionCredentials") {
            let entry: [DBusText.Value] = [.align(8), .text("ProcessID"), .signature("u"), .number(UInt32(peer))]
            return [DBusText.message(.reply(serial), "a{sv}", [.array(entry)])]
        }
        // It wants no answer.
        if isCall("AddMatch") { return [] }
        guard isCall("StartTransientUnit"), let request = Self.request(message, handles) else {
            Issue.record("an unknown call: \(String(decoding: message, as: UTF8.self))")
            return []
        }
        heard.withLock { $0.append(request) }
        func removed(_ unit: String, _ result: String) -> [UInt8] {
            DBusText.message(
                .signal("org.freedesktop.systemd1.Manager", "JobRemoved"),
                "uoss",
                [.number(1), .text("/org/freedesktop/systemd1/job/1"), .text(unit), .text(result)]
            )
        }
        let accepted = DBusText.message(.reply(serial), "o", [.text("/org/freedesktop/systemd1/job/1")])
        return switch answer(request) {
        case .job(let result): [accepted, removed("other.scope", "done"), removed(request.unit, result)]
        case .jobWithoutEnd: [accepted]
        case .error(let name): [DBusText.message(.error(name, serial), "s", [.text("no, for once")])]
        }
    }

    private static func request(_ message: [UInt8], _ handles: [Int32]) -> Request? {
        let prefix = Array("codex-sandbox-".utf8)
        let body = message.count - Int(number(message, 4))
        guard let start = message[body...].firstRange(of: prefix)?.lowerBound else { return nil }
        let unit = String(decoding: message[start...].prefix { $0 != 0 }, as: UTF8.self)
        /// The first number of an array in a property: behind its signature and the array's length.
        func first(_ name: String, _ type: String) -> UInt32? {
            let head = Array("\(name)\0\u{2}\(type)\0".utf8)
            guard let range = message.firstRange(of: head) else { return nil }
            return number(message, (range.upperBound + 3) / 4 * 4 + 4)
        }
        let handle = first("PIDFDs", "ah").flatMap {
            handles.indices.contains(Int($0)) ? process(handles[Int($0)]) : nil
        }
        return Request(unit: unit, number: first("PIDs", "au"), handle: handle)
    }

    /// Whose handle it is (pidfd_open(2)).
    private static func process(_ handle: Int32) -> UInt32? {
        var text = ""
        #expect(throws: Never.self) {
            text = try String(contentsOfFile: "/proc/self/fdinfo/\(handle)", encoding: .utf8)
        }
        return text.split(separator: "\n").first { $0.hasPrefix("Pid:") }.flatMap { UInt32($0.dropFirst(5)) }
    }

    private static func number(_ message: [UInt8], _ at: Int) -> UInt32 {
        message[at..<at + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Of the first message, by its head: 16 bytes, the fields, what fills up to 8, the body.
    private static func length(_ bytes: [UInt8]) -> Int {
        16 + (Int(number(bytes, 12)) + 7) / 8 * 8 + Int(number(bytes, 4))
    }

    private static func send(_ one: Int32, _ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(one, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            // Who is killed at the end of its time reads no more.
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    /// - Returns: false at the end.
    private static func receive(_ one: Int32, _ bytes: inout [UInt8], _ handles: inout [Int32]) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65536)
        // A struct cmsghdr, and room for eight numbers behind it.
        var control = [UInt64](repeating: 0, count: 6)
        var header = msghdr()
        let count = chunk.withUnsafeMutableBytes { data in
            control.withUnsafeMutableBytes { extra in
                var part = iovec(iov_base: data.baseAddress, iov_len: data.count)
                return withUnsafeMutablePointer(to: &part) {
                    header.msg_iov = $0
                    header.msg_iovlen = 1
                    header.msg_control = extra.baseAddress
                    header.msg_controllen = extra.count
                    return recvmsg(one, &header, Int32(MSG_CMSG_CLOEXEC))
                }
            }
        }
        if count <= 0 { return false }
        bytes += chunk.prefix(count)
        if header.msg_controllen >= 20 {
            control.withUnsafeBytes { extra in
                let length = extra.loadUnaligned(fromByteOffset: 0, as: Int.self)
                for at in stride(from: 16, to: length, by: 4) {
                    handles.append(extra.loadUnaligned(fromByteOffset: at, as: Int32.self))
                }
            }
        }
        return true
    }
}
