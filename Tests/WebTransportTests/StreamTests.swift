import Glibc
import Synchronization
import Testing
import WebTransport

extension TransportTests {
    /// Streams: woken, beating, ending, broken, and many.
    @Suite struct StreamTests {
        /// A queue that a stream is fed from.
        final class Feed: Sendable {
            struct State {
                var pieces: [HTTPStream.Piece] = []
                var asked = 0
                var closed = 0
            }

            let state = Mutex(State())

            func stream(_ heartbeat: HTTPStream.Heartbeat? = nil) -> HTTPStream {
                HTTPStream(
                    heartbeat: heartbeat,
                    next: { _ in
                        self.state.withLock { state in
                            state.asked += 1
                            return state.pieces.isEmpty ? .waiting : state.pieces.removeFirst()
                        }
                    },
                    closed: { self.state.withLock { $0.closed += 1 } }
                )
            }

            func add(_ text: String) { state.withLock { $0.pieces.append(.bytes(Array(text.utf8))) } }
            func add(_ piece: HTTPStream.Piece) { state.withLock { $0.pieces.append(piece) } }
            var closed: Int { state.withLock { $0.closed } }
        }

        static let beat = HTTPStream.Heartbeat(bytes: Array(":\n\n".utf8), seconds: 0.3)

        static func streaming(_ stream: @escaping @Sendable () -> HTTPStream) -> Desk {
            .saying {
                HTTPResponse(status: 200, headers: ["Content-Type": "text/event-stream"], body: .stream(stream()))
            }
        }

        @Test func aStreamIsPulledWokenAndEnded() async throws {
            let feed = Feed()
            let stream = feed.stream()
            // A wake before there is a connection is none too early.
            stream.wake()
            try await withServer(StreamTests.streaming { stream }) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("GET /") + request("GET /again"))
                #expect(client.waits(for: "\r\n\r\n"))
                for number in 0..<20 {
                    feed.add("piece \(number).")
                    stream.wake()
                    #expect(client.waits(for: "piece \(number)."))
                }
                feed.add(.end)
                stream.wake()
                let reply = try #require(client.reply())
                #expect(reply.isWhole)
                #expect(reply.text == (0..<20).map { "piece \($0)." }.joined())
                #expect(try await eventually { feed.closed == 1 })
                // The same stream twice cannot be sent: the connection is closed.
                #expect(client.rest() == "")
            }
            #expect(feed.closed == 1)
        }

        @Test func aBrokenStreamIsSeenToBeBroken() async throws {
            for end in [HTTPStream.Piece.broken, .bytes([UInt8](repeating: 1, count: 100_000))] {
                let feed = Feed()
                feed.add("half")
                feed.add(end)
                try await withServer(StreamTests.streaming { feed.stream() }) { port, _ in
                    let client = try RawClient(port: port)
                    client.send(request("GET /"))
                    let reply = try #require(client.reply())
                    #expect(reply.text == "half")
                    #expect(!reply.isWhole)
                }
                #expect(feed.closed == 1)
            }
        }

        @Test func anOldClientReadsToTheEnd() async throws {
            let feed = Feed()
            feed.add("one")
            feed.add("two")
            feed.add(.end)
            try await withServer(StreamTests.streaming { feed.stream() }) { port, _ in
                let client = try RawClient(port: port)
                client.send("GET / HTTP/1.0\r\n\r\n")
                #expect(client.reply()?.text == "onetwo")
            }
        }

        /// A thread wakes as fast as it can while the stream goes to sleep as often as it can.
        @Test(.timeLimit(.minutes(60))) func noWakeIsLost() async throws {
            let count = 20_000
            let made = Count()
            let taken = Count()
            let stream = HTTPStream(
                heartbeat: nil,
                next: { _ in
                    let next = taken.value
                    if next == count { return .end }
                    guard next < made.value else { return .waiting }
                    taken.set(next + 1)
                    return .bytes([46])
                },
                closed: {}
            )
            try await withServer(StreamTests.streaming { stream }) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("GET /"))
                let maker = Task.detached(executorPreference: Threads.shared) {
                    for number in 1...count {
                        made.set(number)
                        stream.wake()
                        if number % 64 == 0 { usleep(50) }
                    }
                }
                let reply = try #require(client.reply())
                await maker.value
                #expect(reply.isWhole)
                #expect(reply.body.count == count)
            }
        }

        @Test func heartbeatsComeWhileNothingElseDoes() async throws {
            let feed = Feed()
            let stream = feed.stream(StreamTests.beat)
            try await withServer(StreamTests.streaming { stream }) { port, _ in
                let client = try RawClient(port: port)
                // From before the first is due, however late this looks.
                let duration = seconds {
                    client.send(request("GET /"))
                    _ = client.waits(for: ":\n\n\r\n3\r\n:\n\n")
                }
                #expect(client.end == .open)
                #expect(duration > 0.5)
                feed.add("event")
                stream.wake()
                #expect(client.waits(for: "event"))
            }
        }

        @Test func aHeartbeatFindsAClientThatHasLeft() async throws {
            let feed = Feed()
            try await withServer(StreamTests.streaming { feed.stream(StreamTests.beat) }) { port, server in
                do {
                    let client = try RawClient(port: port)
                    client.send(request("GET /"))
                    #expect(client.waits(for: ":\n\n"))
                    #expect(feed.closed == 0)
                }
                #expect(try await eventually { feed.closed == 1 && server.connectionCount == 0 })
            }
        }

        /// It is asked for no more than its client's socket takes, and dropped when that takes nothing.
        @Test func aSlowReaderHoldsItsSocketBufferOnly() async throws {
            let pulled = Count()
            let closed = Flag()
            let stream = HTTPStream(
                heartbeat: nil,
                next: { room in
                    pulled.add(room)
                    return .bytes([UInt8](repeating: 46, count: room))
                },
                closed: { closed.set(true) }
            )
            try await withServer(StreamTests.streaming { stream }, { $0.answerSeconds = 20 }) { port, server in
                let client = try RawClient(port: port, receiveBuffer: 4_096)
                client.send(request("GET /"))
                #expect(client.waits(for: "\r\n\r\n"))
                var first = -1
                while first != pulled.value {
                    first = pulled.value
                    try await Task.sleep(for: .seconds(1))
                }
                #expect(first < 16 << 20)
                #expect(!closed.value)
                #expect(try await eventually(within: 120) { closed.value && server.connectionCount == 0 })
                #expect(pulled.value == first)
            }
        }

        /// 1,000 idle streams at 64 KiB at most each; each gets a later event.
        @Test(.timeLimit(.minutes(60))) func aThousandIdleStreamsAreSmall() async throws {
            raiseDescriptorLimit()
            let streams = Mutex<[HTTPStream]>([])
            let isTold = Flag()
            let desk = StreamTests.streaming {
                let isDone = Flag()
                let stream = HTTPStream(
                    heartbeat: HTTPStream.Heartbeat(bytes: [58, 10, 10], seconds: 60),
                    next: { _ in
                        guard isTold.value else { return .waiting }
                        return isDone.first() ? .bytes(Array("the event".utf8)) : .waiting
                    },
                    closed: {}
                )
                streams.withLock { $0.append(stream) }
                return stream
            }
            try await withServer(desk, { $0.connectionsPerPeer = nil }) { port, server in
                let warm = try RawClient(port: port)
                warm.send(request("GET /"))
                #expect(warm.waits(for: "\r\n\r\n"))
                let before = residentBytes()
                var clients: [RawClient] = []
                for _ in 0..<1_000 {
                    let client = try RawClient(port: port)
                    client.send(request("GET /"))
                    clients.append(client)
                }
                for client in clients { #expect(client.waits(for: "\r\n\r\n")) }
                #expect(server.connectionCount == 1_001)
                let each = (residentBytes() - before) / 1_000
                print("resident bytes of an idle stream:", each)
                #expect(each <= 64 * 1_024)
                isTold.set(true)
                for stream in streams.withLock({ $0 }) { stream.wake() }
                for client in clients { #expect(client.waits(for: "the event")) }
            }
        }
    }
}
