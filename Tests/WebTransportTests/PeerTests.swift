import Foundation
import Glibc
import Synchronization
import Testing
import WebTransport

extension TransportTests {
    /// Whose socket is at the other end.
    @Suite struct PeerTests {
        /// Runs python3 with a script that connects to a port, and answers what it prints.
        private static func python(_ script: String, as uid: UInt32? = nil, _ arguments: String...) throws -> String {
            let process = Process()
            let account =
                uid.map { ["--reuid", "\($0)", "--regid", "\($0)", "--clear-groups", "/usr/bin/python3"] } ?? []
            process.executableURL = URL(fileURLWithPath: uid == nil ? "/usr/bin/env" : "/usr/bin/setpriv")
            process.arguments = (uid == nil ? ["python3"] : account) + ["-c", script] + arguments
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return String(decoding: bytes, as: UTF8.self)
        }

        private static let asks = """
            import socket, sys
            s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
            s.sendall(b'GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n')
            data = b''
            while True:
                piece = s.recv(4096)
                if not piece: break
                data += piece
            print(data.decode().split('\\r\\n\\r\\n')[1])
            """

        private static let naming = Desk { request, _ in
            let peer = request.head.peer
            let text = "\(peer.kind) \(peer.uid.map { "\($0)" } ?? "nobody")"
            return .now(HTTPResponse(status: 200, body: .bytes(Array(text.utf8))))
        }

        @Test func ownConnectionsAreOwn() async throws {
            try await withServer(PeerTests.naming) { port, _ in
                let answer = try PeerTests.python(PeerTests.asks, "127.0.0.1", "\(port)")
                #expect(answer == "loopback \(geteuid())\n")
            }
        }

        @Test(.enabled(if: geteuid() == 0, "only root can run a client as another account"))
        func anotherAccountIsAnother() async throws {
            try await withServer(PeerTests.naming) { port, _ in
                let answer = try PeerTests.python(PeerTests.asks, as: 60_601, "127.0.0.1", "\(port)")
                #expect(answer == "loopback 60601\n")
            }
        }

        /// Serves a listening socket that the test has made.
        private static func served(_ host: String, isDual: Bool) async throws {
            let made = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
            var off: Int32 = isDual ? 0 : 1
            setsockopt(made, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, 4)
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(made, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
            #expect(listen(made, 8) == 0)
            let listener = try HTTPListener(.descriptor(made))
            let port = try #require(listener.port)
            let server = try HTTPServer(listener: listener, handler: PeerTests.naming)
            try await withTaskExecutorPreference(Threads.shared) { () async throws -> Void in
                let own = try PeerTests.python(PeerTests.asks, host, "\(port)")
                #expect(own == "loopback \(geteuid())\n")
                if geteuid() == 0 {
                    let other = try PeerTests.python(PeerTests.asks, as: 60_601, host, "\(port)")
                    #expect(other == "loopback 60601\n")
                }
                await server.stop(within: 1)
            }
        }

        @Test func ipv6() async throws { try await PeerTests.served("::1", isDual: false) }

        @Test func ipv4ThroughAnIPv6Socket() async throws { try await PeerTests.served("127.0.0.1", isDual: true) }

        /// The kernel says that what nobody holds any more is root's.
        @Test func aClosedSocketIsNobodys() throws {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(listener) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(16)
            withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(listener, $0, 16)
                    _ = getsockname(listener, $0, &length)
                }
            }
            #expect(listen(listener, 8) == 0)
            var client: RawClient? = try RawClient(port: UInt16(bigEndian: address.sin_port))
            let accepted = accept(listener, nil, nil)
            defer { close(accepted) }
            #expect(PeerOwner.uid(ofPeerOf: accepted) == geteuid())
            // Half closed it is still held.
            client?.halfClose()
            #expect(PeerOwner.uid(ofPeerOf: accepted) == geteuid())
            client = nil
            #expect(PeerOwner.uid(ofPeerOf: accepted) == nil)
            #expect(PeerOwner.uid(ofPeerOf: -1) == nil)
            #expect(PeerOwner.uid(ofPeerOf: 0) == nil)
        }
    }
}
