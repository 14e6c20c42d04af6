internal import Glibc

/// Where what goes through is put, one after the other; or nowhere, where it is only looked at.
struct PassedOutput {
    private let space: UnsafeMutableRawPointer?
    /// Where the next byte goes.
    private(set) var end: Int

    /// - Parameters:
    ///   - space: has room for all that comes; nil for nowhere.
    ///   - start: where in it the first byte goes.
    init(_ space: UnsafeMutableRawPointer?, at start: Int = 0) { (self.space, end) = (space, start) }

    mutating func put(_ byte: UInt8) {
        space?.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end += 1
    }

    /// Bytes that may lie in the same space.
    mutating func put(_ bytes: UnsafeRawPointer, _ count: Int) {
        if let space { memmove(space + end, bytes, count) }
        end += count
    }
}
