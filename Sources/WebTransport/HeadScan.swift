import CMicrohttpd

/// Holds the head that libmicrohttpd has parsed against the bytes that came.
///
/// Its parser takes lines that end with a bare LF, folded fields, a NUL as the end of a line, spaces before the colon, and
/// any number of Content-Length fields; readers before us may see another request in those bytes (RFC 9112, 11.2). It parses
/// in place: the bytes of the head lie in one piece from the method to the empty line, with NULs where it has cut. So each
/// field must begin where the one before has ended with CRLF (two NULs), and the last be followed by the empty line only;
/// what is folded or cut elsewhere does not fit, and is refused.
///
/// libmicrohttpd 1.0 cuts only where a line's content ends, and leaves the rest of the line as it came; behind the last field
/// it may already have put what follows the head. At the discipline that it is given (`wt_is_strict`) it refuses itself what is
/// refused here before; that each line ends with CRLF where the next one begins is looked at all the same.
struct HeadScan {
    private var expected: UnsafePointer<CChar>
    private let end: UnsafePointer<CChar>
    private let isStrict = wt_is_strict() != 0
    private(set) var headers = HTTPHeaders()
    private(set) var fault: HeadFault?
    private(set) var hosts: [String] = []
    private(set) var lengths: [String] = []
    private(set) var codings: [String] = []

    /// Checks the request line.
    ///
    /// - Parameters:
    ///   - method: where the head begins.
    ///   - methodBytes: its length.
    ///   - target: its address and length when it was first seen.
    ///   - version: where libmicrohttpd has found it.
    ///   - bytes: of the whole head.
    /// - Throws: if the three do not stand one space apart, with CRLF behind them.
    init(
        method: UnsafePointer<CChar>,
        methodBytes: Int,
        target: (address: UInt, bytes: Int),
        version: UnsafePointer<CChar>,
        bytes: Int
    ) throws(HeadFault) {
        end = method + bytes
        expected = version
        let line = "the request line is not METHOD target HTTP/1.1 with single spaces and CRLF (RFC 9112, 3)"
        let start = UInt(bitPattern: method)
        guard target.address == start + UInt(methodBytes) + 1,
            UInt(bitPattern: version) == target.address + UInt(target.bytes) + 1,
            UInt(bitPattern: version) + 12 <= UInt(bitPattern: end),
            version[8] == 0, isStrict || version[9] == 0
        else { throw HeadFault(400, line) }
        // Where the line's content ends, or where the next line begins.
        expected = version + (isStrict ? 8 : 10)
    }

    /// Reads the fields of a connection, in order.
    mutating func read(_ connection: OpaquePointer) throws(HeadFault) {
        withUnsafeMutablePointer(to: &self) { scan in
            _ = MHD_get_connection_values_n(
                connection,
                .HEADER_KIND,
                { context, _, name, nameBytes, value, valueBytes in
                    guard let scan = context?.assumingMemoryBound(to: HeadScan.self), let name else { return .NO }
                    return scan.pointee.take(name, nameBytes, value, valueBytes) ? .YES : .NO
                },
                scan
            )
        }
        if let fault { throw fault }
        if isStrict {
            // The end of the last line and the empty line.
            guard end - expected >= 4, expected[0] == 0 else { throw HeadScan.malformed }
            return
        }
        guard end - expected == 2, expected[0] == 0, expected[1] == 0 else { throw HeadScan.malformed }
    }

    private static let malformed = HeadFault(
        400,
        "a header field is folded, or its line does not end with CRLF, or has a NUL (RFC 9112, 2.2 and 5.2)"
    )

    private mutating func take(
        _ name: UnsafePointer<CChar>,
        _ nameBytes: Int,
        _ value: UnsafePointer<CChar>?,
        _ valueBytes: Int
    ) -> Bool {
        fault = field(name, nameBytes, value, valueBytes)
        return fault == nil
    }

    private mutating func field(
        _ name: UnsafePointer<CChar>,
        _ nameBytes: Int,
        _ value: UnsafePointer<CChar>?,
        _ valueBytes: Int
    ) -> HeadFault? {
        guard let value, isStrict ? isNextLine(name) : name == expected, value > name + nameBytes,
            value + valueBytes + 4 <= end,
            name[nameBytes] == 0, value[valueBytes] == 0, isStrict || value[valueBytes + 1] == 0
        else { return HeadScan.malformed }
        var between = name + nameBytes + 1
        while between < value {
            guard HeadScan.isBlank(between[0]) else { return HeadScan.malformed }
            between += 1
        }
        expected = value + valueBytes + (isStrict ? 0 : 2)
        let nameView = UnsafeRawBufferPointer(start: name, count: nameBytes)
        guard nameBytes > 0, nameView.allSatisfy(HTTPHeaders.isToken) else {
            return HeadFault(400, "a header field has a name with bytes that no name has (RFC 9110, 5.1)")
        }
        var length = valueBytes
        while length > 0, HeadScan.isBlank(value[length - 1]) { length -= 1 }
        let valueView = UnsafeRawBufferPointer(start: value, count: length)
        guard valueView.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            return HeadFault(400, "a header field's value has control bytes (RFC 9110, 5.5)")
        }
        guard let text = String(validating: valueView, as: UTF8.self) else {
            return HeadFault(400, "a header field's value is not UTF-8")
        }
        let label = String(decoding: nameView, as: UTF8.self)
        headers.add(label, text)
        // What frames the message is judged as libmicrohttpd has seen it: with its blanks.
        let seen = length == valueBytes ? text : text + " "
        switch nameBytes {
        case 4 where HTTPHeaders.isSame(label, "host"): hosts.append(text)
        case 14 where HTTPHeaders.isSame(label, "content-length"): lengths.append(seen)
        case 17 where HTTPHeaders.isSame(label, "transfer-encoding"): codings.append(seen)
        case _: break
        }
        return nil
    }

    /// Whether between the content that ends at `expected` and `next` there is but the end of a line: the NUL that stands for
    /// its CR, or for the first of the blanks before it.
    private func isNextLine(_ next: UnsafePointer<CChar>) -> Bool {
        guard next > expected + 1, next < end, expected[0] == 0 else { return false }
        var position = expected + 1
        if position[0] == 0x0A { return position + 1 == next }
        while position < next, HeadScan.isBlank(position[0]) { position += 1 }
        return next - position == 2 && position[0] == 0x0D && position[1] == 0x0A
    }

    private static func isBlank(_ byte: CChar) -> Bool { byte == 0x20 || byte == 0x09 }
}

/// Where a request's body ends (RFC 9112, 6.3).
enum BodyFraming {
    case none
    case length(UInt64)

    static let noLength = HeadFault(400, "Content-Length must be there once, as a number (RFC 9112, 6.2)")
    static let tooLong = HeadFault(413, "the body has more than 2⁶⁴ - 1 bytes")

    init(_ scan: borrowing HeadScan, isOld: Bool) throws(HeadFault) {
        if let coding = scan.codings.first {
            guard scan.lengths.isEmpty else {
                throw HeadFault(400, "Content-Length and Transfer-Encoding exclude each other (RFC 9112, 6.1)")
            }
            guard scan.codings.count == 1, !isOld else {
                throw HeadFault(400, "Transfer-Encoding must be there once, and not in HTTP/1.0 (RFC 9112, 6.1)")
            }
            guard HTTPHeaders.isSame(coding, "chunked") else {
                throw HeadFault(501, "the only transfer coding is chunked (RFC 9112, 6.1)")
            }
            // libmicrohttpd 0.9.75 takes chunk lines that end with a bare LF, reads extensions without limit and sizes near
            // 2⁶⁴, and shows none of them: two readers may see two bodies. A server may insist on a length.
            throw HeadFault(411, "a body must be announced with its Content-Length (RFC 9112, 6.3)")
        }
        guard let text = scan.lengths.first else {
            self = .none
            return
        }
        guard scan.lengths.count == 1, !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
            throw BodyFraming.noLength
        }
        guard let length = UInt64(text) else { throw BodyFraming.tooLong }
        self = length == 0 ? .none : .length(length)
    }
}
