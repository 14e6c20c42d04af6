internal import WebTransport
internal import Workspaces

extension HTTPStream {
    /// For the HEAD of a stream, which has the same head and nothing behind it.
    static var empty: HTTPStream { HTTPStream(heartbeat: nil, next: { _ in .end }, closed: {}) }
}

/// A tar, pulled by the transport.
final class ArchiveFeed: Sendable {
    private let archive: any ProjectArchive

    init(_ archive: any ProjectArchive) {
        self.archive = archive
    }

    func stream() -> HTTPStream {
        HTTPStream(heartbeat: nil, next: { self.next(room: $0) }, closed: {})
    }

    /// A fault in the middle cuts the connection: half a tar must not look like a whole one.
    func next(room: Int) -> HTTPStream.Piece {
        do throws(WorkspaceError) {
            let bytes = try archive.next(room: min(room, 64 << 10))
            return bytes.isEmpty ? .end : .bytes(bytes)
        } catch {
            return .broken
        }
    }
}
