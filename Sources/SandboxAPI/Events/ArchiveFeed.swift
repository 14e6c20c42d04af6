internal import Synchronization
internal import WebTransport
internal import Workspaces

extension HTTPStream {
    /// For the HEAD of a stream, which has the same head and nothing behind it.
    static var empty: HTTPStream { HTTPStream(heartbeat: nil, next: { _ in .end }, closed: {}) }
}

/// A tar, made a piece at a time beside the transport's threads while its client reads the one before.
///
/// How long a piece takes is the worker's to choose, who made the folder: a disk that has to be read, a hundred thousand
/// names of which none is in it. What the archive keeps, and its place among the archives, is let go when the connection has no
/// further use for the stream, or with the piece that is being made then.
final class ArchiveFeed: Sendable {
    private enum Piece {
        case bytes(ArraySlice<UInt8>)
        case end
        /// Half a tar must not look like a whole one.
        case broken
    }

    private struct Source {
        let archive: any ProjectArchive
        /// Behind the archive: it is given back when that is gone.
        let place: ArchivePlace
    }

    private struct State {
        /// Nil once it is over.
        var source: Source?
        var piece = Piece.bytes([])
        var isMaking = false
        var wake: (@Sendable () -> Void)?
    }

    private static let pieceSize = 64 << 10

    private let work: HeavyWork
    private let state: Mutex<State>

    init(_ archive: any ProjectArchive, _ place: ArchivePlace, _ work: HeavyWork) {
        self.work = work
        state = Mutex(State(source: Source(archive: archive, place: place)))
    }

    func stream() -> HTTPStream {
        let stream = HTTPStream(heartbeat: nil, next: { self.next(room: $0) }, closed: { self.close() })
        state.withLock { $0.wake = { [weak stream] in stream?.wake() } }
        return stream
    }

    func next(room: Int) -> HTTPStream.Piece {
        let (piece, isAsked): (HTTPStream.Piece, Bool) = state.withLock { state in
            switch state.piece {
            case .end: return (.end, false)
            case .broken: return (.broken, false)
            case .bytes(let bytes) where !bytes.isEmpty:
                let taken = bytes.prefix(room)
                state.piece = .bytes(bytes.dropFirst(taken.count))
                return (.bytes(Array(taken)), false)
            case .bytes:
                defer { state.isMaking = true }
                return (.waiting, !state.isMaking)
            }
        }
        if isAsked { work.begin { self.make() } }
        return piece
    }

    private func make() {
        guard let source = state.withLock({ $0.source }) else { return }
        let piece: Piece
        do throws(WorkspaceError) {
            let bytes = try source.archive.next(room: ArchiveFeed.pieceSize)
            piece = bytes.isEmpty ? .end : .bytes(bytes[...])
        } catch {
            piece = .broken
        }
        let wake = state.withLock { state in
            state.piece = piece
            state.isMaking = false
            return state.wake
        }
        wake?()
    }

    private func close() {
        // Not under the lock: to give up a hundred thousand names takes its time.
        _ = state.withLock { state in
            state.wake = nil
            return state.source.take()
        }
    }
}
