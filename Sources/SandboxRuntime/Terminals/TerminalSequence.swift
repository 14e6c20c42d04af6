internal import CShims
internal import Glibc

/// What the launcher itself says to a terminal of the caller's.
enum TerminalSequence {
    /// Ends whatever was begun and not ended: CAN, where a terminal goes by ECMA-48, and for those that end a string by its own end alone
    /// (kitty), that.
    static let closing: [UInt8] = [0x18, 0x1B, UInt8(ascii: "\\")]

    /// Back from a VT52, and to the usual font, set and encoding, in which the Linux console reads UTF-8.
    static func unshifting(isUTF8: Bool) -> [UInt8] { Array("\u{1B}<\u{1B}[10m\u{F}\(isUTF8 ? "\u{1B}%G" : "")".utf8) }

    /// Writes it; what the terminal does not take within a tenth of a second is given up.
    ///
    /// - Parameters:
    ///   - text: what is written.
    ///   - terminal: descriptor.
    ///   - manner: one of the CS_STREAM_ constants.
    /// - Returns: whether all of it was taken.
    @discardableResult
    static func write(_ text: [UInt8], to terminal: Int32, manner: Int32) -> Bool {
        var rest = text[...]
        for _ in 0..<10 where !rest.isEmpty {
            let written = rest.withUnsafeBytes { cs_stream_write(terminal, $0.baseAddress, $0.count, manner) }
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if written == Int(-EAGAIN) || written == Int(-EINTR) {
                usleep(10_000)
            } else {
                return false
            }
        }
        return rest.isEmpty
    }
}
