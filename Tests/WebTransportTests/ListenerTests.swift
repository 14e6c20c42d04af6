import Foundation
import Glibc
import Synchronization
import Testing
@testable import WebTransport

extension TransportTests {
    /// Where a server listens.
    @Suite struct ListenerTests {
        @Test(arguments: [
            ("127.0.0.1:8000", HTTPListenAddress.tcp(host: "127.0.0.1", port: 8_000)),
            ("0.0.0.0:0", .tcp(host: "0.0.0.0", port: 0)), ("localhost:65535", .tcp(host: "127.0.0.1", port: 65_535)),
            ("[::1]:1", .tcp(host: "::1", port: 1)), ("unix:/run/x", .unix(path: "/run/x")),
            ("unix:x:1", .unix(path: "x:1")),
            ("fd", .inherited(name: nil)), ("fd:3", .descriptor(3)), ("fd:api", .inherited(name: "api")),
            ("fd:a.b-c_9", .inherited(name: "a.b-c_9")),
            ("unix:" + String(repeating: "x", count: 107), .unix(path: String(repeating: "x", count: 107))),
        ])
        func addressesAreRead(_ text: String, _ address: HTTPListenAddress) throws {
            #expect(try HTTPListenAddress(text) == address)
        }

        @Test(arguments: [
            "", ":8000", "8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1",
            "127.0.0.1: 1",
            "127.0.0.1:00000001", "127.1:80", "example.org:80", "::1:80", "[::1]", "[::1%lo]:80", "[]:80",
            "[127.0.0.1]:80",
            "unix:", "unix:a\0b", "unix:" + String(repeating: "x", count: 108), "fd:", "fd:2", "fd:9999999", "fd:-a",
            "fd:a b", "fd:" + String(repeating: "x", count: 65),
            "fd3",
            "127.0.0.1\0:80", "http://127.0.0.1:80",
        ])
        func otherTextsAreRefused(_ text: String) {
            let error = #expect(throws: ListenError.self) { try HTTPListenAddress(text) }
            #expect(error?.kind == .malformed)
            #expect(error?.remedy.isEmpty == false)
        }

        @Test func aPortIsChosenAndKnownAndThenBusy() throws {
            let first = try HTTPListener(.tcp(host: "127.0.0.1", port: 0))
            let port = try #require(first.port)
            #expect(port > 0)
            #expect(first.address == "http://127.0.0.1:\(port)")
            #expect(!first.isPublic)
            let error = #expect(throws: ListenError.self) { try HTTPListener(.tcp(host: "127.0.0.1", port: port)) }
            #expect(error?.kind == .busy)
            #expect(error?.description.contains("127.0.0.1:\(port)") == true)
            first.close()
            let second = try HTTPListener(.tcp(host: "127.0.0.1", port: port))
            #expect(second.port == port)
        }

        @Test func otherAddressesAndFamilies() throws {
            let error = #expect(throws: ListenError.self) { try HTTPListener(.tcp(host: "203.0.113.7", port: 0)) }
            #expect(error?.kind == .notHere)
            let six = try HTTPListener(.tcp(host: "::1", port: 0))
            #expect(six.address.hasPrefix("http://[::1]:"))
            #expect(try HTTPListener(.tcp(host: "0.0.0.0", port: 0)).isPublic)
        }

        @Test(.enabled(if: geteuid() == 0, "only root can become an account that may not bind"))
        func aLowPortNeedsPermission() async {
            // Where the host lets everybody (net.ipv4.ip_unprivileged_port_start), there is nothing to refuse.
            await #expect(processExitsWith: .success) {
                let start = try String(contentsOfFile: "/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding: .utf8)
                guard setuid(60_601) == 0 else { exit(2) }
                do throws(ListenError) {
                    _ = try HTTPListener(.tcp(host: "127.0.0.1", port: 80))
                    exit(start.hasPrefix("0") ? 0 : 3)
                } catch {
                    exit(error.kind == .permission ? 0 : 4)
                }
            }
        }

        private func folder() throws -> String {
            var template = Array("/tmp/transport-XXXXXX".utf8CString)
            return String(cString: try #require(mkdtemp(&template)))
        }

        @Test func aUnixSocketIsPrivateAndRemoved() async throws {
            let path = try folder() + "/api.sock"
            let mask = umask(0)
            defer { umask(mask) }
            let listener = try HTTPListener(.unix(path: path))
            #expect(listener.address == "unix:\(path)")
            var status = stat()
            #expect(lstat(path, &status) == 0)
            #expect(status.st_mode == S_IFSOCK | 0o600)
            let error = #expect(throws: ListenError.self) { try HTTPListener(.unix(path: path)) }
            #expect(error?.kind == .busy)
            let desk = Desk.echoing
            let server = try HTTPServer(listener: listener, handler: desk)
            try await withTaskExecutorPreference(Threads.shared) {
                let client = try RawClient(unix: path)
                client.send(request("GET /x"))
                #expect(client.reply()?.text == "GET /x - 0")
                let peer = desk.heads.withLock { $0.last?.peer }
                #expect(peer == HTTPPeer(kind: .unix, address: "unix", uid: geteuid()))
                await server.stop(within: 1)
            }
            #expect(lstat(path, &status) == -1 && errno == ENOENT)
        }

        @Test func aDeadSocketIsReplacedAndNothingElse() throws {
            let path = try folder() + "/api.sock"
            // Dead: bound once, and closed without being removed.
            let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(dead, $0, 110) }
            }
            #expect(result == 0)
            close(dead)
            let mask = umask(0o777)
            let listener = try HTTPListener(.unix(path: path))
            umask(mask)
            var status = stat()
            #expect(lstat(path, &status) == 0)
            #expect(status.st_mode == S_IFSOCK | 0o600)
            #expect(throws: Never.self) { try RawClient(unix: path) }
            // What lies there later is another's.
            #expect(unlink(path) == 0)
            try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
            listener.close()
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
            let error = #expect(throws: ListenError.self) { try HTTPListener(.unix(path: path)) }
            #expect(error?.kind == .occupied)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
            // Not through a link either.
            unlink(path)
            symlink("/nowhere", path)
            #expect(throws: ListenError.self) { try HTTPListener(.unix(path: path)) }
            #expect(lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
            let nowhere = #expect(throws: ListenError.self) { try HTTPListener(.unix(path: path + "/missing/x")) }
            #expect(nowhere != nil)
        }

        @Test func aSocketCanBeHandedOver() async throws {
            let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = bind(made, $0, 16) }
            }
            let early = #expect(throws: ListenError.self) { try HTTPListener(.descriptor(made)) }
            #expect(early?.kind == .notListening)
            #expect(listen(made, 8) == 0)
            let listener = try #require(
                try HTTPListener.all(.inherited(name: nil), handed: [HandedSocket(descriptor: made, name: "x")]).first
            )
            #expect(fcntl(made, F_GETFD) == FD_CLOEXEC)
            let port = try #require(listener.port)
            let server = try HTTPServer(listener: listener, handler: Desk.echoing)
            try await withTaskExecutorPreference(Threads.shared) {
                let client = try RawClient(port: port)
                client.send(request("GET /x"))
                #expect(client.reply()?.status == 200)
                await server.stop(within: 1)
            }
            #expect(throws: ListenError.self) { try HTTPListener(.inherited(name: nil)) }
            #expect(throws: ListenError.self) { try HTTPListener(.descriptor(1_000)) }
            let null = open("/dev/null", O_RDONLY)
            defer { close(null) }
            #expect(throws: ListenError.self) { try HTTPListener(.descriptor(null)) }
        }

        private func listening() -> Int32 {
            let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            listen(made, 8)
            return made
        }

        private func isOpen(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) >= 0 }

        @Test func severalSocketsAreTakenByName() async throws {
            let path = try folder() + "/made.sock"
            let unix = try HTTPListener(.unix(path: path))
            let (first, second, third) = (listening(), listening(), fcntl(unix.descriptor, F_DUPFD, 100))
            let handed = [
                HandedSocket(descriptor: first, name: "api"), HandedSocket(descriptor: second, name: "other"),
                HandedSocket(descriptor: third, name: "api"),
            ]
            let listeners = try HTTPListener.all(.inherited(name: "api"), handed: handed)
            #expect(listeners.map(\.descriptor) == [first, third])
            for listener in listeners { #expect(fcntl(listener.descriptor, F_GETFD) == FD_CLOEXEC) }
            #expect(!isOpen(second))
            let server = try HTTPServer(listeners: listeners, handler: Desk.echoing)
            #expect(server.addresses.last == "unix:\(path)")
            let port = try #require(listeners[0].port)
            try await withTaskExecutorPreference(Threads.shared) {
                for client in [try RawClient(port: port), try RawClient(unix: path)] {
                    client.send(request("GET /x"))
                    #expect(client.reply()?.status == 200)
                }
                await server.stop(within: 1)
            }
            // The manager's sockets stay: whoever comes now waits for the next server.
            #expect(!isOpen(third) && isOpen(unix.descriptor))
            #expect(throws: Never.self) { try RawClient(unix: path) }
        }

        @Test func whatIsHandedOverIsLookedAt() {
            let (good, null) = (listening(), open("/dev/null", O_RDONLY))
            let handed = [HandedSocket(descriptor: good, name: "a"), HandedSocket(descriptor: null, name: "a")]
            let error = #expect(throws: ListenError.self) {
                try HTTPListener.all(.inherited(name: nil), handed: handed)
            }
            #expect(error?.kind == .notListening)
            #expect(!isOpen(good) && !isOpen(null))
            let unnamed = listening()
            let missing = #expect(throws: ListenError.self) {
                try HTTPListener.all(.inherited(name: "b"), handed: [HandedSocket(descriptor: unnamed, name: "a")])
            }
            #expect(missing?.description.contains("fd:b") == true && !isOpen(unnamed))
            #expect(throws: ListenError.self) { try HTTPListener.all(.inherited(name: nil), handed: []) }
        }

        /// Nobody meant those for this server.
        @Test func socketsThatAreNotListenedAtAreClosed() throws {
            let made = listening()
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(made, $0, &length) }
            }
            let port = UInt16(bigEndian: address.sin_port)
            #expect(throws: Never.self) { try RawClient(port: port) }
            let handed = [HandedSocket(descriptor: made, name: "a")]
            let listeners = try HTTPListener.all(.tcp(host: "127.0.0.1", port: 0), handed: handed)
            #expect(listeners.count == 1 && listeners[0].port != port)
            #expect(throws: (any Error).self) { try RawClient(port: port) }
        }

        /// Nothing of a server is handed to the programs that this process starts.
        @Test func everyDescriptorIsCloseOnExec() async throws {
            @Sendable func open() -> Set<Int32> { Set((0..<1_024).filter { fcntl($0, F_GETFD) >= 0 }) }
            let before = open()
            try await withServer(.echoing) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("GET /"))
                #expect(client.reply()?.status == 200)
                let made = open().subtracting(before)
                #expect(made.count >= 7)
                for descriptor in made { #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC == FD_CLOEXEC) }
            }
        }
    }
}
