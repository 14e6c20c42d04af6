import Glibc
import Synchronization
import Testing
import WebTransport

extension TransportTests {
    /// Slow, silent, large, and many clients.
    @Suite struct LimitTests {
        /// Sends a byte each 50 ms until the server takes no more; the seconds since `start`.
        private func drip(_ client: RawClient, _ text: String, since start: ContinuousClock.Instant) -> Double {
            let bytes = Array(text.utf8)
            for number in 0..<400 {
                guard client.send([bytes[number % bytes.count]]) else { break }
                var polled = pollfd(fd: client.descriptor, events: Int16(POLLIN), revents: 0)
                if poll(&polled, 1, 50) > 0 { break }
            }
            return (ContinuousClock.now - start) / .seconds(1)
        }

        @Test func aDrippedHeadIsEnded() async throws {
            try await withServer(.echoing, { $0.headSeconds = 2 }) { port, _ in
                // The server cannot have begun to count before this.
                let start = ContinuousClock.now
                let client = try RawClient(port: port)
                let head = "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 500)
                let time = drip(client, head, since: start)
                #expect(time > 1.5 && time < 40)
                #expect(client.reply()?.status == 408)
                #expect(client.rest() == "")

                let silent = try RawClient(port: port)
                #expect(silent.reply()?.status == 408)

                // On a kept connection the time begins with the request line.
                let kept = try RawClient(port: port)
                kept.send(request("GET /"))
                #expect(kept.reply()?.status == 200)
                usleep(2_500_000)
                let line = ContinuousClock.now
                kept.send("GET / HTTP/1.1\r\n")
                let again = drip(kept, "X: " + String(repeating: "x", count: 500), since: line)
                #expect(again > 1.5 && again < 40)
                #expect(kept.reply()?.status == 408)

                let quick = try RawClient(port: port)
                #expect(drip(quick, "\r\n", since: ContinuousClock.now) >= 0)
                let good = try RawClient(port: port)
                good.send(request("GET /"))
                #expect(good.reply()?.status == 200)
            }
        }

        /// Pages need no token: who reads them by drops must not keep a place from others for their whole length.
        @Test func aSlowReaderGivesWay() async throws {
            let large = HTTPResponse(status: 200, body: .bytes([UInt8](repeating: 46, count: 8 << 20)))
            let desk = Desk { request, _ in
                .now(request.head.path == Array("/large".utf8) ? large : Desk.echo(request))
            }
            let change: @Sendable (inout HTTPServerSettings) -> Void = {
                $0.connections = 2
                // 8 MiB in 2 s: due three seconds after its begin at the latest.
                $0.crowdedBytesPerSecond = 4 << 20
            }
            try await withServer(desk, change) { port, _ in
                let slow = try [RawClient(port: port, receiveBuffer: 4096), RawClient(port: port, receiveBuffer: 4096)]
                for client in slow { client.send(request("GET /large")) }
                // Nothing else makes room: neither is idle, and both would be allowed hours.
                for _ in 0..<3 {
                    let other = try RawClient(port: port, timeout: 30)
                    other.send(request("GET /", "Connection: close"))
                    #expect(other.reply()?.status == 200)
                }
            }
            // Without anybody who waits it goes on.
            try await withServer(desk, { $0.crowdedBytesPerSecond = 64 << 20 }) { port, _ in
                let slow = try RawClient(port: port, receiveBuffer: 4096, timeout: 30)
                slow.send(request("GET /large"))
                usleep(2_500_000)
                #expect(slow.reply()?.body.count == 8 << 20)
            }
        }

        @Test func aDrippedBodyIsEnded() async throws {
            let change: @Sendable (inout HTTPServerSettings) -> Void = {
                $0.bodySeconds = 1
                $0.bodyBytesPerSecond = 100
            }
            try await withServer(.echoing, change) { port, _ in
                let client = try RawClient(port: port)
                let start = ContinuousClock.now
                client.send(request("POST /", "Content-Length: 1000"))
                // 20 bytes a second are too few: they give a fifth of a second each second.
                let time = drip(client, "b", since: start)
                #expect(time > 0.9 && time < 15)
                let reply = try #require(client.reply())
                #expect(reply.status == 408)
                #expect(reply.text == "refused: the body of the request came too slowly")

                // 200 bytes a second are enough, for longer than `bodySeconds`.
                var isServed = false
                // A busy machine may make one too slow that is not.
                for _ in 0..<5 where !isServed {
                    let steady = try RawClient(port: port)
                    steady.send(request("POST /", "Content-Length: 400"))
                    for _ in 0..<40 {
                        steady.send(String(repeating: "b", count: 10))
                        usleep(50_000)
                    }
                    isServed = steady.reply()?.text == "POST / - 400"
                }
                #expect(isServed)
            }
        }

        @Test func anIdleConnectionIsEnded() async throws {
            try await withServer(.echoing, { $0.idleSeconds = 12 }) { port, server in
                let client = try RawClient(port: port)
                client.send(request("GET /"))
                #expect(client.reply()?.status == 200)
                usleep(700_000)
                client.send(request("GET /"))
                #expect(client.reply()?.status == 200)
                let time = seconds { #expect(client.rest(quiet: 90) == "") }
                #expect(time > 10 && time < 90)
                #expect(try await eventually { server.connectionCount == 0 })
            }
        }

        @Test func aClientThatReadsNothingIsEnded() async throws {
            let bytes = [UInt8](repeating: 46, count: 20_000_000)
            let change: @Sendable (inout HTTPServerSettings) -> Void = {
                $0.answerSeconds = 2
                $0.answerBytesPerSecond = 4_000_000
            }
            // Seven seconds for all of it, however little the client takes.
            try await withServer(.saying { HTTPResponse(status: 200, body: .bytes(bytes)) }, change) { port, server in
                let good = try RawClient(port: port)
                good.send(request("GET /"))
                #expect(good.reply()?.isWhole == true)
                let client = try RawClient(port: port, receiveBuffer: 4_096, timeout: 60)
                client.send(request("GET /"))
                #expect(client.waits(for: "\r\n\r\n"))
                #expect(try await eventually(within: 90) { server.connectionCount == 1 })
                #expect(client.reply()?.isWhole != true)
            }
        }

        /// The memory of a connection holds the head and libmicrohttpd's own notes of it.
        @Test func headsHaveALimit() async throws {
            try await withServer(.echoing, { $0.headBytes = 16_384 }) { port, _ in
                for (count, status) in [(15_000, 200), (17_000, 431)] {
                    let client = try RawClient(port: port)
                    client.send(request("GET /", "X: " + String(repeating: "x", count: count)))
                    #expect(client.reply()?.status == status)
                }
                for (count, status) in [(15_000, 200), (17_000, 414)] {
                    let client = try RawClient(port: port)
                    client.send(request("GET /" + String(repeating: "x", count: count)))
                    #expect(client.reply()?.status == status)
                }
            }
        }

        /// libmicrohttpd's own refusals have the handler's words where only one connection can be meant, and its own where several can.
        @Test(arguments: [
            ("GET /\(String(repeating: "x", count: 40_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 40_000))\r\n\r\n", 431),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505), ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
        ])
        func whatTheLibraryRefusesIsSaidInTheHandlersWords(bytes: String, status: Int) async throws {
            try await withServer(.echoing) { port, server in
                let client = try RawClient(port: port)
                client.send(bytes)
                let reply = try #require(client.reply())
                #expect(reply.status == status && !reply.text.lowercased().contains("<html"), "\(reply.text)")
                #expect(client.rest() == "" && client.end != .open)
                // Behind a request that was answered, on the same connection.
                let second = try RawClient(port: port)
                second.send(request("GET /"))
                #expect(second.reply()?.status == 200)
                #expect(try await eventually { server.connectionCount == 1 })
                second.send(bytes)
                let next = try #require(second.reply())
                #expect(next.status == status && !next.text.lowercased().contains("<html"), "\(next.text)")
                #expect(try await eventually { server.connectionCount == 0 })
                // Among others that could be meant nobody else is answered, and who is meant is refused all the same.
                let others = try (0..<32).map { _ in try RawClient(port: port) }
                for (index, other) in others.enumerated() { other.send(index % 2 == 0 ? request("GET /") : "GET / HT") }
                for (index, other) in others.enumerated() where index % 2 == 0 { #expect(other.reply()?.status == 200) }
                let third = try RawClient(port: port)
                third.send(bytes)
                #expect(third.reply()?.status == status)
                for (index, other) in others.enumerated() {
                    other.send(index % 2 == 0 ? request("GET /") : "TP/1.1\r\nHost: a\r\n\r\n")
                    #expect(other.reply()?.status == 200, "\(index)")
                }
            }
        }

        @Test func tenMegabytesOfHeadAreRefused() async throws {
            let fields = [
                [UInt8](repeating: 0x78, count: 10_000_000),
                Array(String(repeating: "X: y\r\n", count: 1_700_000).utf8),
            ]
            try await withServer(.echoing) { port, _ in
                let before = residentBytes()
                for field in fields {
                    let client = try RawClient(port: port)
                    client.send("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n")
                    // The server keeps nothing of it: for a second it throws away what still comes, so that its answer is not lost.
                    client.send(field)
                    let reply = client.reply()
                    #expect(reply == nil || reply?.status == 431)
                }
                #expect(residentBytes() - before < 4_000_000)
                let client = try RawClient(port: port)
                client.send(request("GET /"))
                #expect(client.reply()?.status == 200)
            }
        }

        @Test func connectionsHaveALimit() async throws {
            let stream = StreamTests.Feed()
            let desk = Desk { request, _ in
                guard request.head.path == Array("/stream".utf8) else { return .now(Desk.echo(request)) }
                return .now(HTTPResponse(status: 200, body: .stream(stream.stream(StreamTests.beat))))
            }
            try await withServer(desk, { $0.connections = 3 }) { port, server in
                var busy: [RawClient] = []
                for _ in 0..<2 {
                    let client = try RawClient(port: port)
                    client.send(request("GET /stream"))
                    #expect(client.waits(for: "\r\n\r\n"))
                    busy.append(client)
                }
                let idle = try RawClient(port: port)
                idle.send(request("GET /"))
                #expect(idle.reply()?.status == 200)
                #expect(server.connectionCount == 3)
                // As long as nobody waits it stays.
                usleep(700_000)
                idle.send(request("GET /"))
                #expect(idle.reply()?.status == 200)
                // The idle one makes room.
                let next = try RawClient(port: port)
                next.send(request("GET /stream"))
                #expect(next.waits(for: "\r\n\r\n"))
                #expect(idle.rest() == "")
                #expect(idle.end != .open)
                // Nobody else can: it waits until one leaves.
                let last = try RawClient(port: port)
                last.send(request("GET /"))
                last.patience(0.7)
                #expect(last.reply() == nil)
                #expect(server.connectionCount == 3)
                busy.removeAll()
                last.patience(10)
                #expect(last.reply()?.status == 200)
            }
        }

        @Test func aPeerCanHaveALimit() async throws {
            try await withServer(.echoing, { $0.connectionsPerPeer = 2 }) { port, server in
                var clients: [RawClient] = []
                for _ in 0..<2 {
                    let client = try RawClient(port: port)
                    client.send(request("GET /"))
                    #expect(client.reply()?.status == 200)
                    clients.append(client)
                }
                // The server's own look counts for nobody, neither when it comes nor when it goes.
                #expect(server.selfTest("/", within: 10).allSatisfy { $0 == 200 })
                #expect(try await eventually { server.connectionCount == 2 })
                let third = try RawClient(port: port)
                third.send(request("GET /"))
                #expect(third.reply() == nil)
                #expect(third.end != .open)
                clients.removeLast()
                #expect(
                    try await eventually {
                        guard let client = try? RawClient(port: port) else { return false }
                        client.send(request("GET /"))
                        return client.reply()?.status == 200
                    }
                )
            }
        }

        @Test func settingsHaveRanges() throws {
            func starts(_ change: (inout HTTPServerSettings) -> Void) throws -> Bool {
                var settings = HTTPServerSettings()
                change(&settings)
                let listener = try HTTPListener(try HTTPListenAddress("127.0.0.1:0"))
                do throws(HTTPServerError) {
                    let server = try HTTPServer(listener: listener, settings: settings, handler: Desk.echoing)
                    server.beginStop(within: 0)
                    server.waitUntilStopped()
                    return true
                } catch {
                    return false
                }
            }
            #expect(try starts { $0.threads = 64 })
            #expect(try !starts { $0.threads = 65 })
            #expect(try !starts { $0.threads = 0 })
            #expect(try starts { $0.connections = 1 })
            #expect(try !starts { $0.connections = 0 })
            #expect(try !starts { $0.connectionsPerPeer = 0 })
            #expect(try starts { $0.strangerConnections = 0 })
            #expect(try !starts { $0.strangerConnections = -1 })
            #expect(try starts { $0.headBytes = 4_096 })
            #expect(try !starts { $0.headBytes = 4_095 })
            #expect(try starts { $0.headBytes = 1_048_576 })
            #expect(try !starts { $0.headBytes = 1_048_577 })
            #expect(try !starts { $0.bodyBytesPerSecond = 0 })
            #expect(try !starts { $0.answerBytesPerSecond = 0 })
            #expect(try !starts { $0.headSeconds = 0 })
            #expect(try !starts { $0.idleSeconds = .nan })
            #expect(try !starts { $0.laterSeconds = -1 })
        }
    }
}
