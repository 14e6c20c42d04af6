/// Output that is text in every terminal: it needs no second look, and most output is of that.
enum PlainOutput {
    /// Bytes that are so by themselves: all but ESC, ENQ, SO, and what may be of a character of several bytes or a control of 8 bits.
    private static let single: [Bool] = (0..<256).map { $0 < 0x80 && $0 != 0x1B && $0 != 0x05 && $0 != 0x0E }

    /// How many bytes from the first on are so.
    ///
    /// - Parameters:
    ///   - bytes: of the output, where no unit has begun.
    ///   - most: how many there are.
    ///   - isUTF8: whether the terminal takes bytes for UTF-8; elsewhere a character of several bytes needs a look.
    /// - Returns: 0 ... most; a character of several bytes counts only if all of it is there.
    static func length(_ bytes: UnsafeRawPointer, atMost most: Int, isUTF8: Bool) -> Int {
        single.withUnsafeBufferPointer { single in
            var length = 0
            while length < most {
                let byte = bytes.load(fromByteOffset: length, as: UInt8.self)
                if single[Int(byte)] {
                    length += 1
                } else if isUTF8, byte >= 0xC2, let size = UTF8Form.character(bytes + length, atMost: most - length) {
                    length += size
                } else {
                    break
                }
            }
            return length
        }
    }
}
