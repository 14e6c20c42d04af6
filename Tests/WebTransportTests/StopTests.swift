import Foundation
import Glibc
import Synchronization
import Testing
import WebTransport

extension TransportTests {
    /// Stopping with work in hand.
    @Suite struct StopTests {
        /// Runs a server that the test stops itself.
        private func running(_ desk: Desk, body: @Sendable (UInt16, HTTPServer) async throws -> Void) async throws {
            try await withTaskExecutorPreference(Threads.shared) {
                let listener = try HTTPListener(try HTTPListenAddress("127.0.0.1:0"))
                let port = try #require(listener.port)
                let server = try HTTPServer(listener: listener, handler: desk)
                try await body(port, server)
                await server.stop(within: 0)
            }
        }

        private static func waiting(_ time: Duration, _ cancelled: Count = Count()) -> Desk {
            Desk { _, _ in
                .later {
                    do { try await Task.sleep(for: time) } catch { cancelled.add(1) }
                    return HTTPResponse(status: 200, body: .bytes(Array("done".utf8)))
                }
            }
        }

        @Test func runningRequestsFinish() async throws {
            let isOver = Flag()
            let desk = Desk { _, _ in
                .later {
                    while !isOver.value {
                        do { try await Task.sleep(for: .milliseconds(5)) } catch { return HTTPResponse(status: 500) }
                    }
                    return HTTPResponse(status: 200, body: .bytes(Array("done".utf8)))
                }
            }
            try await running(desk) { port, server in
                let client = try RawClient(port: port)
                let idle = try RawClient(port: port)
                client.send(request("GET /") + request("GET /second"))
                #expect(try await eventually { server.connectionCount == 2 })
                // The first is being answered before the stop.
                #expect(try await eventually { desk.heads.withLock { !$0.isEmpty } })
                server.beginStop(within: 120)
                #expect(try await eventually { (try? RawClient(port: port)) == nil })
                isOver.set(true)
                #expect(idle.rest() == "")
                let reply = try #require(client.reply())
                #expect(reply.text == "done")
                #expect(reply.head.contains("Connection: close"))
                #expect(client.rest() == "")
                let clock = ContinuousClock()
                let start = clock.now
                await server.stop(within: 120)
                #expect(clock.now - start < .seconds(100))
                #expect(server.connectionCount == 0)
            }
        }

        /// Between a client's connection and its words a stop can come: it was let in, so it is served.
        @Test func whoeverIsConnectedIsStillServed() async throws {
            try await running(Desk.echoing) { port, server in
                let fresh = try RawClient(port: port)
                let kept = try RawClient(port: port)
                kept.send(request("GET /1"))
                #expect(kept.reply()?.status == 200)
                #expect(try await eventually { server.connectionCount == 2 })
                server.beginStop(within: 120)
                #expect(try await eventually { (try? RawClient(port: port)) == nil })
                for client in [fresh, kept] {
                    client.send(request("GET /2"))
                    let reply = try #require(client.reply())
                    #expect(reply.status == 200 && reply.head.contains("Connection: close"))
                }
                server.waitUntilDrained()
            }
        }

        @Test func theServerAnswersItselfThroughEachThread() async throws {
            let answers = Flag()
            let desk = Desk { request, _ in
                if request.head.path == Array("/slow".utf8) {
                    return .later {
                        while !answers.value { try? await Task.sleep(for: .milliseconds(5)) }
                        return HTTPResponse(status: 200)
                    }
                }
                #expect(request.head.peer == HTTPPeer(kind: .itself, address: "itself", uid: geteuid()))
                return .now(HTTPResponse(status: 203))
            }
            let settings = { (settings: inout HTTPServerSettings) in
                settings.threads = 3
                settings.connections = 1
            }
            try await withServer(desk, settings) { port, server in
                // Full, and still.
                let client = try RawClient(port: port)
                client.send(request("GET /slow"))
                #expect(server.selfTest("/", within: 10) == [203, 203, 203])
                #expect(server.selfTest("/slow", within: 0.2) == [nil, nil, nil])
                answers.set(true)
                #expect(server.selfTest("/slow", within: 10) == [200, 200, 200])
                await server.stop(within: 1)
                #expect(server.selfTest("/", within: 1) == [nil, nil, nil])
            }
        }

        @Test func theDeadlineCancelsWhatStillRuns() async throws {
            let cancelled = Count()
            let desk = StopTests.waiting(.seconds(60), cancelled)
            try await running(desk) { port, server in
                let clients = try (0..<20).map { _ in try RawClient(port: port) }
                for client in clients { client.send(request("GET /")) }
                #expect(try await eventually { desk.heads.withLock { $0.count } == 20 })
                usleep(100_000)
                let clock = ContinuousClock()
                let start = clock.now
                await server.stop(within: 0.5)
                #expect(clock.now - start > .milliseconds(400) && clock.now - start < .seconds(30))
                for client in clients {
                    #expect(client.reply()?.status == 503)
                    #expect(client.rest() == "")
                }
                #expect(try await eventually { cancelled.value == 20 })
            }
        }

        @Test func endlessStreamsEndAndOthersAreBroken() async throws {
            let events = StreamTests.Feed()
            let archive = StreamTests.Feed()
            events.add("event")
            archive.add("half")
            let desk = Desk { request, _ in
                let isEvents = request.head.path == Array("/events".utf8)
                let stream = isEvents ? events.stream(StreamTests.beat) : archive.stream()
                return .now(HTTPResponse(status: 200, body: .stream(stream)))
            }
            try await running(desk) { port, server in
                let first = try RawClient(port: port)
                first.send(request("GET /events"))
                #expect(first.waits(for: "event"))
                let second = try RawClient(port: port)
                second.send(request("GET /archive"))
                #expect(second.waits(for: "half"))
                server.beginStop(within: 5)
                let reply = try #require(first.reply())
                #expect(reply.isWhole)
                let broken = try #require(second.reply())
                #expect(broken.text == "half" && !broken.isWhole)
                await server.stop(within: 5)
                #expect(events.closed == 1 && archive.closed == 1)
            }
        }

        @Test func nothingIsLeftBehind() async throws {
            // The runtime opens descriptors of its own for the first sleep.
            try await Task.sleep(for: .milliseconds(5))
            let before = descriptorCount()
            for _ in 0..<10 {
                try await running(StopTests.waiting(.milliseconds(1))) { port, server in
                    let client = try RawClient(port: port)
                    client.send(request("GET /"))
                    #expect(client.reply()?.text == "done")
                    #expect(descriptorCount() > before)
                    // Asked twice, from two sides.
                    async let other: Void = server.stop(within: 5)
                    await server.stop(within: 0)
                    await other
                }
            }
            #expect(try await eventually { descriptorCount() <= before })
        }

        /// The process's signals are its own threads' business.
        @Test func theServersThreadsBlockAllSignals() async throws {
            @Sendable func masks() throws -> [String: String] {
                var masks: [String: String] = [:]
                for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
                    let path = "/proc/self/task/\(thread)/status"
                    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { continue }
                    let line = text.split(separator: "\n").first { $0.hasPrefix("SigBlk:") }
                    masks[text.split(separator: "\n")[0] + thread] = line.map { String($0.dropFirst(8)) }
                }
                return masks
            }
            let before = try masks()
            try await withServer(.echoing, { $0.threads = 3 }) { port, _ in
                let client = try RawClient(port: port)
                client.send(request("GET /"))
                #expect(client.reply()?.status == 200)
                // All but SIGKILL, SIGSTOP, and the two that glibc keeps for itself (nptl(7)); a thread that has only just
                // begun has those blocked too.
                let isSo = try await eventually {
                    guard let made = try? masks().filter({ before[$0.key] == nil }) else { return false }
                    let blocking = made.filter { $0.value == "fffffffe7ffbfeff" || $0.value == "fffffffc7ffbfeff" }
                    // The library's, and the one that watches them; a thread of the runtime's that one of them begins may have as many.
                    return blocking.keys.filter { $0.hasPrefix("Name:\tMHD-") }.count == 3 && blocking.count >= 4
                }
                #expect(isSo)
            }
        }

        /// Stopping while clients come, wake and go: never a suspended connection at the end, which would abort.
        @Test(.timeLimit(.minutes(60))) func stoppingUnderLoad() async throws {
            for round in 0..<10 {
                let desk = Desk { request, _ in
                    if request.head.path == Array("/later".utf8) {
                        return .later {
                            await Task.yield()
                            return HTTPResponse(status: 200)
                        }
                    }
                    let stream = HTTPStream(heartbeat: StreamTests.beat, next: { _ in .waiting }, closed: {})
                    return .now(HTTPResponse(status: 200, body: .stream(stream)))
                }
                let isOver = Flag()
                try await running(desk) { port, server in
                    let load = (0..<4).map { number in
                        Task.detached(executorPreference: Threads.shared) {
                            while !isOver.value {
                                guard let client = try? RawClient(port: port, timeout: 0.2) else { return }
                                for _ in 0..<20 {
                                    client.send(request(number == 0 ? "GET /stream" : "GET /later"))
                                    guard client.reply(hasBody: false) != nil else { break }
                                    if number == 0 { break }
                                }
                            }
                        }
                    }
                    usleep(UInt32(20_000 + round * 10_000))
                    await server.stop(within: 0.05)
                    isOver.set(true)
                    for task in load { await task.value }
                }
            }
        }
    }
}
