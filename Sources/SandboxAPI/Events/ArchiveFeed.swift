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
/// names of which none is in it.
final class ArchiveFeed: Sendable {
    private enum Piece {
        case bytes(ArraySlice<UInt8>)
        case end
        /// Half a tar must not look like a whole one.
        case broken
    }

    private struct State {
        var piece = Piece.bytes([])
        var isMaking = false
        var isOver = false
        var wake: (@Sendable () -> Void)?
    }

    private static let pieceSize = 64 << 10

    private let archive: any ProjectArchive
    private let work: HeavyWork
    private let state = Mutex(State())

    init(_ archive: any ProjectArchive, _ work: HeavyWork) {
        self.archive = archive
        self.work = work
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
        guard !state.withLock({ $0.isOver }) else { return }
        let piece: Piece
        do throws(WorkspaceError) {
            let bytes = try archive.next(room: ArchiveFeed.pieceSize)
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
        state.withLock { state in
            state.isOver = true
            state.wake = nil
        }
    }
}
