import Glibc

/// Lends a NULL-terminated list of C strings, as execve(2) wants it.
func withCStringList<Result>(
    _ strings: [[UInt8]],
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) throws -> Result
) rethrows -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { bytes in
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
        for (index, byte) in bytes.enumerated() { copy[index] = CChar(bitPattern: byte) }
        copy[bytes.count] = 0
        return copy
    }
    defer { pointers.forEach { $0?.deallocate() } }
    pointers.append(nil)
    return try pointers.withUnsafeMutableBufferPointer { buffer in
        // A list is never empty: it ends with NULL.
        guard let base = buffer.baseAddress else { preconditionFailure("a list without its end") }
        return try body(base)
    }
}
