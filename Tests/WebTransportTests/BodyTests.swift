import Glibc
import Synchronization
import Testing
import WebTransport

extension TransportTests {
    /// Bodies, their limits, and who takes them.
    @Suite struct BodyTests {
        /// Counts what it is given, and answers when it has too much.
        final class Counter: HTTPBodySink {
            struct State {
                var bytes = 0
                var abandoned = 0
            }

            let state = Mutex(State())
            private let answersAt: Int

            init(answersAt: Int = .max) {
                self.answersAt = answersAt
            }

            func take(_ bytes: UnsafeRawBufferPointer) -> HTTPResponse? {
                let sum = state.withLock { state in
                    state.bytes += bytes.count
                    return state.bytes
                }
                return sum >= answersAt ? HTTPResponse(status: 422, body: .bytes(Array("enough".utf8))) : nil
            }

            func abandon() { state.withLock { $0.abandoned += 1 } }
        }

        static func sinking(_ counter: Counter, limit: UInt64) -> Desk {
            Desk(accepts: { _ in .sink(counter, limit: limit) }) { request, sink in
                .now(HTTPResponse(status: sink != nil && request.body.isEmpty ? 200 : 500))
            }
        }

        @Test(arguments: [(1_000, 200), (1_001, 413)])
        func aBodyHasALimit(_ count: Int, _ status: Int) async throws {
            let body = String(repeating: "b", count: count)
            try await withServer(.echoing) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("POST /", "Content-Length: \(count)") + body)
                let reply = try #require(client.reply())
                #expect(reply.status == status)
                #expect(reply.head.contains("Connection: close") == (status == 413))
            }
        }

        /// 20 MB are announced and partly sent: the answer arrives although nobody has read them.
        @Test func aRefusalArrivesWhileTheClientStillSends() async throws {
            try await withServer(.echoing) { port, _ in
                for (framing, status) in [("Content-Length: 20000000", 413), ("Transfer-Encoding: chunked", 411)] {
                    let client = try RawClient(port: port)
                    client.send(request("POST /", framing))
                    if status == 411 { client.send("1312D00\r\n") }
                    let piece = [UInt8](repeating: 98, count: 1 << 20)
                    for _ in 0..<8 { client.send(piece) }
                    let reply = try #require(client.reply())
                    #expect(reply.status == status)
                    #expect(reply.text.hasPrefix("refused: "))
                }
            }
        }

        @Test(arguments: [(100_000, 200), (100_001, 413)])
        func aSinkHasALimit(_ count: Int, _ status: Int) async throws {
            let body = [UInt8](repeating: 98, count: count)
            let counter = Counter()
            try await withServer(BodyTests.sinking(counter, limit: 100_000)) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("PUT /", "Content-Length: \(count)"))
                client.send(body)
                #expect(client.reply()?.status == status)
            }
            #expect(counter.state.withLock { $0.abandoned } == (status == 200 ? 0 : 1))
            #expect(counter.state.withLock { $0.bytes } == (status == 200 ? count : 0))
        }

        @Test func aSinkEndsItsRequest() async throws {
            let counter = Counter(answersAt: 10)
            try await withServer(BodyTests.sinking(counter, limit: 1_000)) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("PUT /", "Content-Length: 500") + "0123456789" + request("GET /smuggled"))
                let reply = try #require(client.reply())
                #expect(reply.status == 422)
                #expect(reply.text == "enough")
                #expect(client.rest() == "")
            }
            #expect(counter.state.withLock { $0.abandoned } == 1)
        }

        @Test func aClientThatLeavesAmidItsBodyAbandonsTheSink() async throws {
            let counter = Counter()
            try await withServer(BodyTests.sinking(counter, limit: 1_000)) { port, _ in
                do {
                    let client = try RawClient(port: port)
                    client.send(request("PUT /", "Content-Length: 500") + "0123456789")
                    #expect(try await eventually { counter.state.withLock { $0.bytes } == 10 })
                }
                #expect(try await eventually { counter.state.withLock { $0.abandoned } == 1 })
            }
            #expect(counter.state.withLock { $0.abandoned } == 1)
        }

        @Test func continueIsSaidOnlyAfterAcceptance() async throws {
            let desk = Desk(accepts: { head in
                head.path == Array("/no".utf8) ? .answer(HTTPResponse(status: 403)) : .body(limit: 1_000)
            }) { request, _ in .now(Desk.echo(request)) }
            try await withServer(desk) { port, _ in
                let yes = try RawClient(port: port)
                yes.send(request("POST /yes", "Content-Length: 3", "Expect: 100-continue"))
                #expect(yes.reply(hasBody: false)?.status == 100)
                yes.send("abc")
                #expect(yes.reply()?.text == "POST /yes - 3")

                let no = try RawClient(port: port)
                no.send(request("POST /no", "Content-Length: 3", "Expect: 100-continue"))
                #expect(no.reply()?.status == 403)

                let large = try RawClient(port: port)
                large.send(request("POST /yes", "Content-Length: 1001", "Expect: 100-continue"))
                #expect(large.reply()?.status == 413)
            }
        }

        /// Whatever the method, `accept` answers before anything of the body has come, and nothing is held for it.
        @Test(arguments: ["GET", "HEAD", "OPTIONS", "POST"])
        func anEarlyAnswerHoldsNothing(_ method: String) async throws {
            let desk = Desk(accepts: { _ in .answer(HTTPResponse(status: 401)) }) { _, _ in
                .now(HTTPResponse(status: 500))
            }
            try await withServer(desk) { port, server in
                // The runtime opens descriptors of its own for the first sleep.
                try await Task.sleep(for: .milliseconds(5))
                let descriptors = descriptorCount()
                var clients: [RawClient] = []
                for _ in 0..<100 {
                    let client = try RawClient(port: port)
                    client.send(request("\(method) /", "Content-Length: 65000") + "x")
                    #expect(client.reply(hasBody: false)?.status == 401)
                    clients.append(client)
                }
                #expect(try await eventually(within: 5) { server.connectionCount == 0 })
                // Each client keeps its own end; the server's are drained for a second at most.
                #expect(try await eventually(within: 5) { descriptorCount() <= descriptors + clients.count })
                // One that goes on sending is cut off then. A machine that stands still shows nothing: the same again.
                let piece = [UInt8](repeating: 98, count: 65_536)
                var time = Double.infinity
                for _ in 0..<3 where time >= 4 {
                    let busy = try RawClient(port: port)
                    busy.send(request("\(method) /", "Content-Length: 100000000000"))
                    time = seconds { for _ in 0..<2_000 where busy.send(piece) { usleep(2_000) } }
                    #expect(!busy.send(piece))
                }
                #expect(time < 4)
                #expect(server.connectionCount == 0)
            }
        }

        /// Without a body the connection stays; with one it cannot.
        @Test func anEarlyAnswerKeepsAConnectionWithoutBody() async throws {
            let desk = Desk(accepts: { _ in .answer(HTTPResponse(status: 401)) }) { _, _ in
                .now(HTTPResponse(status: 500))
            }
            try await withServer(desk) { port, _ in
                let client = try RawClient(port: port)
                for _ in 0..<3 {
                    client.send(request("GET /"))
                    #expect(client.reply()?.status == 401)
                }
                client.send(request("POST /", "Content-Length: 3") + "abc" + request("GET /"))
                #expect(client.reply()?.status == 401)
                #expect(client.rest() == "")
            }
        }
    }
}
