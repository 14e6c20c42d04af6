import Foundation
import Glibc
import Testing
import WebTransport

extension TransportTests {
    /// Clients that want to keep others out.
    @Suite struct StrangerTests {
        /// A client program that holds connections of an account until it is let go.
        private final class Siege {
            private let process = Process()
            private let input = Pipe()

            /// Returns once each of its connections has been made, and the bytes sent.
            init(port: UInt16, uid: UInt32, count: Int, half: String) throws {
                // It takes connections that were reset up again, as an attacker would, and drips a byte into the others.
                let script = """
                    import resource, select, socket, sys
                    port, count, half = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
                    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
                    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
                    def begin():
                        s = socket.socket()
                        s.setblocking(False)
                        s.connect_ex(('127.0.0.1', port))
                        return s
                    held = [begin() for _ in range(count)]
                    sent = [False] * count
                    turn = 0
                    while True:
                        for i, s in enumerate(held):
                            try:
                                if not sent[i]:
                                    s.send(half or b'')
                                    sent[i] = True
                                elif half:
                                    s.send(b'x')
                                if not s.recv(1000): raise ConnectionResetError()
                            except BlockingIOError: pass
                            except OSError:
                                s.close()
                                held[i] = begin()
                                sent[i] = False
                        if turn == 1: print('ready', flush=True)
                        turn += 1
                        if select.select([sys.stdin], [], [], 0.1)[0]: break
                    """
                process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
                process.arguments =
                    ["--reuid", "\(uid)", "--regid", "\(uid)", "--clear-groups", "/usr/bin/python3", "-c", script]
                    + ["\(port)", "\(count)", half]
                let output = Pipe()
                process.standardInput = input
                process.standardOutput = output
                try process.run()
                let line = try output.fileHandleForReading.read(upToCount: 6)
                #expect(line == Data("ready\n".utf8))
            }

            var isRunning: Bool { process.isRunning }

            func end() throws {
                try input.fileHandleForWriting.close()
                process.waitUntilExit()
                #expect(process.terminationStatus == 0)
            }
        }

        private static let naming = Desk(accepts: { _ in .body(limit: 100_000) }) { request, _ in
            .now(HTTPResponse(status: 200, body: .bytes(Array("\(request.head.peer.uid ?? 0)".utf8))))
        }

        @Test(
            .enabled(if: geteuid() == 0, "only root can run a client as another account"),
            .timeLimit(.minutes(60)),
            arguments: [(3_000, request("POST /", "Content-Length: 65000")), (6_000, "")]
        )
        func strangersKeepNobodyOut(_ count: Int, _ half: String) async throws {
            raiseDescriptorLimit()
            try await withServer(StrangerTests.naming, { $0.trustedUIDs = [0] }) { port, server in
                let memory = residentBytes()
                let siege = try Siege(port: port, uid: 60_601, count: count, half: half)
                for _ in 0..<20 {
                    let time = try seconds {
                        let client = try RawClient(port: port, timeout: 120)
                        client.send(request("GET /"))
                        #expect(client.reply()?.text == "0")
                    }
                    // Without connections of its own it would wait for as long as the siege goes on.
                    #expect(time < 60)
                    #expect(try await eventually { server.connectionCount <= 65 })
                    try await Task.sleep(for: .milliseconds(100))
                }
                // It was one.
                #expect(siege.isRunning)
                #expect(try await eventually { server.connectionCount > 50 })
                #expect(residentBytes() - memory < 16 << 20)
                try siege.end()
            }
        }

        /// The positive control: a stranger is served, up to its places and not beyond; the trusted have their own.
        @Test func strangersHavePlacesOfTheirOwn() async throws {
            let change: @Sendable (inout HTTPServerSettings) -> Void = {
                $0.trustedUIDs = []
                $0.strangerConnections = 2
                $0.connections = 1
            }
            try await withServer(.echoing, change) { port, server in
                var clients: [RawClient] = []
                for _ in 0..<2 {
                    let client = try RawClient(port: port)
                    client.send(request("GET /"))
                    #expect(client.reply()?.status == 200)
                    clients.append(client)
                }
                let third = try RawClient(port: port)
                third.send(request("GET /"))
                #expect(third.reply() == nil)
                #expect(third.end != .open)
                #expect(server.connectionCount == 2)
                clients.removeLast()
                #expect(try await eventually { server.connectionCount == 1 })
                let next = try RawClient(port: port)
                next.send(request("GET /"))
                #expect(next.reply()?.status == 200)
            }
        }

        /// Those that are trusted have no limit for each account.
        @Test(arguments: [true, false])
        func theLimitForEachPeerIsNotForTheTrusted(_ isTrusted: Bool) async throws {
            let change: @Sendable (inout HTTPServerSettings) -> Void = {
                $0.trustedUIDs = isTrusted ? [geteuid()] : nil
                $0.connectionsPerPeer = 2
                $0.strangerConnections = 0
            }
            try await withServer(.echoing, change) { port, _ in
                var clients: [RawClient] = []
                for number in 0..<5 {
                    let client = try RawClient(port: port)
                    client.send(request("GET /"))
                    #expect((client.reply() != nil) == (isTrusted || number < 2))
                    clients.append(client)
                }
            }
        }

        /// Half heads and half bodies give way to whoever waits, and a body that comes as it should stays.
        @Test(arguments: ["", "GET / HTTP/1.1\r\nHo", request("POST /", "Content-Length: 65000") + "x"])
        func whoIsBehindGivesWay(_ half: String) async throws {
            try await withServer(StrangerTests.naming, { $0.connections = 8 }) { port, server in
                let good = try RawClient(port: port)
                good.send(request("POST /", "Content-Length: 65000"))
                var slow: [RawClient] = []
                for _ in 0..<7 {
                    let client = try RawClient(port: port)
                    client.send(half)
                    slow.append(client)
                }
                #expect(try await eventually { server.connectionCount == 8 })
                let piece = [UInt8](repeating: 98, count: 2_500)
                // As long as nobody waits they stay.
                for _ in 0..<16 {
                    good.send(piece)
                    usleep(100_000)
                }
                #expect(server.connectionCount == 8)
                let next = try RawClient(port: port)
                let time = seconds {
                    next.send(request("GET /"))
                    #expect(next.reply()?.status == 200)
                }
                #expect(time < 5)
                // One had to go, and no other.
                var ended = 0
                for client in slow {
                    client.patience(0.02)
                    let reply = client.reply()
                    if reply != nil { ended += 1 }
                    #expect(reply == nil || reply?.status == 408)
                    #expect((client.end == .open) || reply != nil)
                }
                #expect(ended == 1)
                for _ in 0..<10 {
                    good.send(piece)
                    usleep(50_000)
                }
                #expect(good.reply()?.status == 200)
            }
        }

        /// More clients than places, and than may wait: each gets its turn.
        @Test func thoseWhoWaitAreServedInTheirTurn() async throws {
            try await withServer(.echoing, { $0.connections = 2 }) { port, server in
                var clients: [RawClient] = []
                for _ in 0..<200 {
                    let client = try RawClient(port: port)
                    client.send(request("GET /"))
                    clients.append(client)
                }
                for client in clients { #expect(client.reply()?.status == 200) }
                #expect(server.connectionCount <= 2)
            }
        }
    }
}
