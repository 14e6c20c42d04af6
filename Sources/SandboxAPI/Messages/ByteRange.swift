internal import WebTransport

/// The part of a file that is asked for (RFC 9110, 14).
enum ByteRange: Hashable {
    case whole
    case part(offset: UInt64, length: UInt64)
    case unsatisfiable

    /// One range is served; several, other units and what is malformed are answered with the whole, as is allowed (14.2).
    init(_ headers: HTTPHeaders, size: UInt64, tag: String) {
        self = .whole
        guard let field = headers["Range"], field.lowercased().hasPrefix("bytes=") else { return }
        if headers.contains("If-Range"), headers["If-Range"] != tag { return }
        let ends = field.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return }
        let bounds = ends.map { $0.isEmpty ? Bound.open : Bound($0) }
        switch (bounds[0], bounds[1]) {
        case (.open, .at(let length)):
            let taken = min(length, size)
            self = taken == 0 ? .unsatisfiable : .part(offset: size - taken, length: taken)
        case (.at(let first), .open):
            self = first < size ? .part(offset: first, length: size - first) : .unsatisfiable
        case (.at(let first), .at(let last)) where first <= last:
            self = first < size ? .part(offset: first, length: min(last, size - 1) - first + 1) : .unsatisfiable
        case (.open, .open), (.at, .at), (.malformed, _), (_, .malformed): return
        }
    }

    private enum Bound {
        case open
        case at(UInt64)
        case malformed

        /// A number too large for 64 bits is beyond any file.
        init(_ text: Substring) {
            let digits = text.utf8.allSatisfy { (48...57).contains($0) }
            self = digits ? .at(UInt64(text) ?? .max) : .malformed
        }
    }
}
