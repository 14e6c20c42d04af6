import Glibc
import Synchronization
import Testing

@testable import WebTransport

/// To whom the words go that stand for a refusal of libmicrohttpd's own.
@Suite struct LibraryFaultTests {
    /// A connection that the calling thread serves, and its client's end.
    private final class Line {
        let connection: Connection
        let client: Int32

        init(_ settings: HTTPServerSettings, address: String) throws {
            var ends: [Int32] = [-1, -1]
            try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            client = ends[1]
            connection = Connection(
                descriptor: ends[0],
                peer: HTTPPeer(kind: .loopback, address: address, uid: 7),
                peerKey: address,
                isStranger: false,
                settings: settings
            )
            connection.opened()
        }

        deinit {
            close(connection.descriptor)
            close(client)
        }

        /// What has come by now.
        var text: String {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = recv(client, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        }
    }

    private let desk = Desk { _, _ in .now(HTTPResponse(status: 204)) }
    private let settings = HTTPServerSettings()

    private func refuse(_ lines: [Line]) {
        let core = ServerCore(settings: settings, handler: desk, bell: -1)
        core.close()
        LibraryFault.refuse(400, among: lines.map(\.connection), of: core)
    }

    @Test func theOnlyOneIsAnsweredAndNamed() throws {
        let only = try Line(settings, address: "a:1")
        refuse([only])
        #expect(only.text.hasPrefix("HTTP/1.1 400 "))
        #expect(desk.refused.withLock { $0.map { $0?.address } } == ["a:1"])
    }

    @Test func amongSeveralNobodyIs() throws {
        let lines = [try Line(settings, address: "a:1"), try Line(settings, address: "a:2")]
        refuse(lines)
        for line in lines { #expect(line.text == "") }
        // It is told all the same, of nobody.
        #expect(desk.refused.withLock { $0.map { $0?.address } } == [nil])
    }

    /// Of a request whose head is whole something else would be meant.
    @Test func whereNobodyReadsAHeadItIsTold() throws {
        refuse([])
        #expect(desk.refused.withLock { $0.map { $0?.address } } == [nil])
    }

    /// One that has just been shut is read to its end all the same: the refusal may be its own.
    @Test func besideOneThatIsEndingNobodyIs() throws {
        let ending = try Line(settings, address: "a:1")
        let other = try Line(settings, address: "a:2")
        ending.connection.shut()
        refuse([ending, other])
        #expect(other.text == "" && desk.refused.withLock { $0.map { $0?.address } } == [nil])
        // Once libmicrohttpd has closed it nobody else is left.
        ending.connection.closed()
        refuse([ending, other])
        #expect(other.text.hasPrefix("HTTP/1.1 400 "))
        #expect(desk.refused.withLock { $0.map { $0?.address } } == [nil, "a:2"])
    }
}
