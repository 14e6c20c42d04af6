import Synchronization
import Testing
import WebTransport

extension TransportTests {
    /// What is taken for a request, and what is not.
    @Suite struct HeadTests {
        /// Beside each refusal stands what is right about the same thing.
        static let taken: [(String, String)] = [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / - 0"),
            ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / - 0"),
            ("GET //x/../%2e%2E/%00 HTTP/1.1\r\nHost: a\r\n\r\n", "GET //x/../%2e%2E/%00 - 0"),
            ("GET /a?b=%3F&c??d HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a b=%3F&c??d 0"),
            ("GET /a? HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a  0"),
            ("GET http://A/x?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x y 0"),
            ("GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET / - 0"),
            ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * - 0"),
            ("GET / HTTP/1.0\r\n\r\n", "GET / - 0"),
            ("get / HTTP/1.1\r\nhOST:\ta \r\nX:\r\n\r\n", "get / - 0"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", "POST / - 2"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST / - 0"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 02\r\n\r\nab", "POST / - 2"),
        ]

        @Test(arguments: TransportTests.HeadTests.taken)
        func isTaken(_ bytes: String, _ answer: String) async throws {
            try await withServer(.echoing) { port, _ in
                let client = try RawClient(port: port)
                client.send(bytes)
                let reply = try #require(client.reply())
                #expect(reply.status == 200)
                #expect(reply.text == answer)
            }
        }

        static let refused: [(String, Int)] = [
            // Lines.
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n: z\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{7f}\r\n\r\n", 400),
            // NULs, which end a line for the library.
            ("GET / HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n\0X: y\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: y\0\0Content-Length\0 5\r\n\r\n", 400),
            ("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /a\0HTTP/1.1\0\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            // The request line.
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /\t HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /é HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /\r\n\r\n", 400),
            ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            // Hosts.
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            // Two readings of one message.
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", 400),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                400
            ),
            ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 501),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked \r\n\r\n0\r\n\r\n", 501),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\nab", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n\r\nab", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\nab", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1,1\r\n\r\na", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\nab", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nab", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\na", 413),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\na", 413),
        ]

        /// RFC 9112, 2.3: a later minor version is served as the latest that is known.
        @Test(arguments: ["1.0", "1.1", "1.2", "1.9"]) func everyMinorVersionIsServed(version: String) async throws {
            try await withServer(.echoing) { port, _ in
                let client = try RawClient(port: port)
                client.send("GET / HTTP/\(version)\r\nHost: a\r\n\r\n")
                #expect(try #require(client.reply()).status == 200)
            }
        }

        /// Nothing more is said, neither about it nor about a second request behind it.
        @Test(arguments: TransportTests.HeadTests.refused)
        func isRefusedAndTheConnectionClosed(_ bytes: String, _ status: Int) async throws {
            try await withServer(.echoing) { port, _ in
                let client = try RawClient(port: port)
                client.send(bytes + request("GET /smuggled"))
                let reply = try #require(client.reply())
                #expect(reply.status == status)
                #expect(client.rest() == "")
                #expect(client.end != .open)
            }
        }

        /// The library answers these with a closed connection only.
        @Test(arguments: ["GET\r\n\r\n", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n"])
        func whatIsNoRequestLineIsClosed(_ bytes: String) async throws {
            try await withServer(.echoing) { port, _ in
                let client = try RawClient(port: port)
                client.send(bytes)
                #expect(client.rest() == "")
                #expect(client.end != .open)
            }
        }

        /// Chunks are not read at all, good or bad.
        @Test(arguments: [
            "2\r\nab\r\n0\r\n\r\n", "2\nab\n0\n\n", "2;x=\"y\"\r\nab\r\n0\r\nTrailer: z\r\n\r\n",
            "2;" + String(repeating: "x", count: 100_000) + "\r\nab\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFE\r\nab", "zz\r\n",
            "-1\r\n",
            "1\r\nabc\r\n0\r\n\r\n", "11111111111111111\r\n", "",
        ])
        func aChunkedRequestNeedsALength(_ body: String) async throws {
            for coding in ["chunked", "Chunked"] {
                let desk = Desk { request, _ in .now(Desk.echo(request)) }
                try await withServer(desk) { port, _ in
                    let client = try RawClient(port: port)
                    client.send(request("POST /", "Transfer-Encoding: \(coding)") + body + request("GET /smuggled"))
                    let reply = try #require(client.reply())
                    #expect(reply.status == 411)
                    #expect(reply.head.contains("X-Refused: yes"))
                    #expect(reply.head.contains("Connection: close"))
                    #expect(client.rest() == "")
                    #expect(client.end != .open)
                }
                #expect(desk.heads.withLock { $0.isEmpty })
            }
        }

        /// What is refused behind a good request is refused behind its answer.
        @Test func aRefusalComesInItsTurn() async throws {
            try await withServer(.echoing) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("GET /1") + request("POST /2", "Content-Length: +2") + "ab")
                #expect(client.reply()?.text == "GET /1 - 0")
                #expect(client.reply()?.status == 400)
                #expect(client.rest() == "")
            }
        }

        @Test func theHeadIsAsItWasSent() async throws {
            let desk = Desk.echoing
            try await withServer(desk) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("PUT /p%20q?r=%20", "X-One: \t a b \t", "x-one: ü", "Content-Length: 3") + "abc")
                #expect(client.reply()?.status == 200)
                let head = try #require(desk.heads.withLock { $0.last { $0.method == "PUT" } })
                #expect(head.path == Array("/p%20q".utf8))
                #expect(head.query == Array("r=%20".utf8))
                #expect(head.headers.all("X-ONE") == ["a b", "ü"])
                #expect(head.headers.fields.map(\.name) == ["Host", "X-One", "x-one", "Content-Length"])
                #expect(head.contentLength == 3)
                #expect(head.peer.kind == .loopback)
                #expect(head.peer.address.hasPrefix("127.0.0.1:"))
            }
        }

        @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
            try await withServer(.echoing) { port, _ in
                let client = try RawClient(port: port)
                client.send((0..<50).map { request("GET /\($0)") }.joined())
                for number in 0..<50 { #expect(client.reply()?.text == "GET /\(number) - 0") }
            }
        }

        @Test func aHalfClosedClientGetsItsAnswer() async throws {
            try await withServer(.echoing) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("GET /x"))
                client.halfClose()
                #expect(client.reply()?.text == "GET /x - 0")
                #expect(client.rest() == "")
                #expect(client.end == .closed)
            }
        }

        /// A query has no arguments here: however many it has, it costs its bytes.
        @Test func aQueryOfManyArgumentsIsOneQuery() async throws {
            try await withServer(.echoing) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("GET /?" + String(repeating: "&a", count: 6_000)) + request("GET /next"))
                #expect(client.reply()?.status == 200)
                #expect(client.reply()?.text == "GET /next - 0")
            }
        }
    }
}
