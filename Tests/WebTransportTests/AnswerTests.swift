import Foundation
import Glibc
import Synchronization
import Testing
import WebTransport

extension TransportTests {
    /// What a response becomes on its way.
    @Suite struct AnswerTests {
        @Test(arguments: [0, 1, 1_024, 1_025, 100_000, 5_000_000])
        func bytesArriveWhole(_ count: Int) async throws {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try await withServer(.saying { HTTPResponse(status: 200, body: .bytes(bytes)) }) { port, _ in
                let client = try RawClient(port: port)
                for _ in 0..<2 {
                    client.send(request("GET /"))
                    #expect(client.reply()?.body == bytes)
                }
            }
        }

        @Test(arguments: [
            ("X", "a\r\nSet-Cookie: b"), ("X", "a\nb"), ("X", "a\rb"), ("X", "a\0b"), ("X", "\u{7f}"), ("X Y", "a"),
            ("", "a"),
            ("X\r\nY", "a"), ("Content-Length", "3"), ("transfer-encoding", "chunked"), ("Date", "now"),
            ("Connection", "upgrade"),
        ])
        func whatCannotBeSentBecomesA500(_ name: String, _ value: String) async throws {
            let desk = Desk.saying {
                var headers = HTTPHeaders()
                headers.add(name, value)
                return HTTPResponse(status: 200, headers: headers)
            }
            try await withServer(desk) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("GET /"))
                let reply = try #require(client.reply())
                #expect(reply.status == 500)
                #expect(reply.text.hasPrefix("refused: "))
                #expect(!reply.head.contains("Set-Cookie"))
            }
        }

        @Test(arguments: [(199, 500), (200, 200), (599, 599), (600, 500), (-1, 500)])
        func statusesHaveARange(_ status: Int, _ sent: Int) async throws {
            try await withServer(.saying { HTTPResponse(status: status, headers: ["X": "\tü"]) }) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("GET /"))
                let reply = try #require(client.reply())
                #expect(reply.status == sent)
                #expect(reply.head.contains("ü") == (sent == status))
            }
        }

        @Test func aHeadHasTheHeadersOfItsGet() async throws {
            let desk = Desk { request, _ in
                if request.head.path == Array("/stream".utf8) {
                    let stream = HTTPStream(heartbeat: nil, next: { _ in .bytes([1]) }, closed: {})
                    return .now(HTTPResponse(status: 200, headers: ["X": "y"], body: .stream(stream)))
                }
                return .now(HTTPResponse(status: 200, headers: ["X": "y"], body: .bytes(Array("12345".utf8))))
            }
            try await withServer(desk) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("HEAD /") + request("GET /"))
                let head = try #require(client.reply(hasBody: false))
                #expect(head.head.contains("Content-Length: 5\r\n") && head.head.contains("X: y\r\n"))
                #expect(client.reply()?.text == "12345")
                client.send(request("HEAD /stream"))
                let stream = try #require(client.reply(hasBody: false))
                #expect(stream.head.contains("X: y\r\n") && !stream.head.contains("Content-Length"))
                #expect(client.rest() == "")
            }
        }

        @Test(arguments: [204, 304])
        func someStatusesHaveNoBody(_ status: Int) async throws {
            let desk = Desk { request, _ in
                .now(
                    HTTPResponse(status: request.head.method == "PUT" ? 200 : status, body: .bytes(Array("12345".utf8)))
                )
            }
            try await withServer(desk) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("GET /"))
                let reply = try #require(client.reply(hasBody: false))
                #expect(reply.status == status)
                #expect(reply.head.contains("Content-Length: 5") == (status == 304))
                client.send(request("PUT /"))
                #expect(client.reply()?.text == "12345")
            }
        }

        @Test func aFilesPartIsSent() async throws {
            let path = NSTemporaryDirectory() + "/transport-\(getpid())-file"
            let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
            try Data(content).write(to: URL(fileURLWithPath: path))
            defer { unlink(path) }
            let desk = Desk { request, _ in
                let length: UInt64 = request.head.path == Array("/over".utf8) ? 3_000_000 : 2_999_999
                do throws(HTTPFileError) {
                    let file = try HTTPFile(owned: open(path, O_RDONLY | O_CLOEXEC))
                    return .now(HTTPResponse(status: 206, body: .file(file, offset: 1, length: length)))
                } catch {
                    return .now(HTTPResponse(status: 404))
                }
            }
            let before = descriptorCount()
            try await withServer(desk) { port, _ in
                let client = try RawClient(port: port)
                for _ in 0..<3 {
                    client.send(request("GET /"))
                    let reply = try #require(client.reply())
                    #expect(reply.status == 206)
                    #expect(reply.body == Array(content[1...]))
                }
                client.send(request("GET /over"))
                #expect(client.reply()?.status == 500)
                let idle = try RawClient(port: port)
                idle.send(request("HEAD /"))
                #expect(idle.reply(hasBody: false)?.head.contains("Content-Length: 2999999") == true)
            }
            #expect(try await eventually { descriptorCount() <= before + 4 })
        }

        @Test(.timeLimit(.minutes(60))) func anAnswerWhoseFileIsCutIsEnded() async throws {
            let path = "/tmp/codex-sandbox-transport-cut.\(getpid())"
            try Data(repeating: 7, count: 30_000_000).write(to: URL(fileURLWithPath: path))
            defer { unlink(path) }
            let desk = Desk { _, _ in
                do throws(HTTPFileError) {
                    let file = try HTTPFile(owned: open(path, O_RDONLY | O_CLOEXEC))
                    return .now(HTTPResponse(status: 200, body: .file(file, offset: 0, length: 30_000_000)))
                } catch {
                    return .now(HTTPResponse(status: 404))
                }
            }
            try await withServer(desk) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("GET /"))
                // The client has not read the rest yet: it is still in the file when that is cut.
                #expect(client.waits(for: "200 OK"))
                #expect(truncate(path, 0) == 0)
                // Up to the connection's end, or to 30 s of silence.
                let bytes = client.rest(quiet: 30)
                #expect(!bytes.isEmpty && bytes.utf8.count < 30_000_000)
                #expect(client.end != .open, "the connection was not ended")
            }
        }

        @Test func onlyRegularFilesAreFiles() throws {
            for path in ["/dev/null", "/tmp"] {
                let descriptor = open(path, O_RDONLY | O_CLOEXEC)
                #expect(throws: HTTPFileError.self) { _ = try HTTPFile(owned: descriptor) }
                // It was taken over, and closed.
                #expect(fcntl(descriptor, F_GETFD) == -1)
            }
            #expect(throws: HTTPFileError.self) { _ = try HTTPFile(owned: -1) }
        }

        @Test func aLaterAnswerHoldsNoThread() async throws {
            let isOver = Flag()
            let desk = Desk { request, _ in
                guard request.head.path != Array("/now".utf8) else { return .now(Desk.echo(request)) }
                return .later {
                    while !isOver.value {
                        do { try await Task.sleep(for: .milliseconds(5)) } catch { return HTTPResponse(status: 500) }
                    }
                    return Desk.echo(request)
                }
            }
            try await withServer(desk, { $0.threads = 1 }) { port, _ in
                let clients = try (0..<50).map { _ in try RawClient(port: port) }
                for (number, client) in clients.enumerated() {
                    client.send(request("GET /\(number)") + request("GET /now"))
                }
                let quick = try RawClient(port: port)
                quick.send(request("GET /now"))
                // While all of them wait.
                #expect(quick.reply()?.text == "GET /now - 0")
                isOver.set(true)
                for (number, client) in clients.enumerated() {
                    #expect(client.reply()?.text == "GET /\(number) - 0")
                    #expect(client.reply()?.text == "GET /now - 0")
                }
            }
        }

        @Test(.timeLimit(.minutes(60))) func aLaterTaskIsCancelledWhenItsClientHasLeft() async throws {
            let cancelled = Count()
            let desk = Desk { _, _ in
                .later {
                    do { try await Task.sleep(for: .seconds(60)) } catch { cancelled.add(1) }
                    return HTTPResponse(status: 200, body: .bytes(Array("late".utf8)))
                }
            }
            try await withServer(desk) { port, server in
                do {
                    let client = try RawClient(port: port)
                    client.send(request("GET /"))
                    #expect(try await eventually { server.connectionCount == 1 })
                    try await Task.sleep(for: .milliseconds(300))
                    #expect(cancelled.value == 0)
                }
                #expect(try await eventually { cancelled.value == 1 })
                #expect(try await eventually { server.connectionCount == 0 })
                // One that has only ended its own side still gets the answer.
                let half = try RawClient(port: port)
                half.send(request("GET /"))
                half.halfClose()
                #expect(half.reply()?.text == "late")
            }
        }

        @Test func laterCanHaveADeadline() async throws {
            let desk = Desk { request, _ in
                .later {
                    let wait: Duration = request.head.path == Array("/slow".utf8) ? .seconds(60) : .milliseconds(1)
                    do { try await Task.sleep(for: wait) } catch { return HTTPResponse(status: 500) }
                    return HTTPResponse(status: 200)
                }
            }
            try await withServer(desk, { $0.laterSeconds = 5 }) { port, _ in
                let client = try RawClient(port: port, timeout: 90)
                client.send(request("GET /quick"))
                #expect(client.reply()?.status == 200)
                client.send(request("GET /slow"))
                #expect(client.reply()?.status == 503)
            }
        }
    }
}
