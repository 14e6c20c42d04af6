/// Stands between what a relay reads and what it writes.
protocol RelayFilter: AnyObject {
    /// Called before anything is read or written, of what was read earlier too.
    ///
    /// - Parameter relay: whose filter it is; may be given another one.
    func prepare(_ relay: Relay)

    /// Takes a piece that was read.
    ///
    /// - Parameters:
    ///   - space: holds it, with at least `HarmlessOutput.limit` bytes before it.
    ///   - piece: where it is.
    /// - Returns: where in the space that is which is to be written.
    func pass(_ space: UnsafeMutableRawBufferPointer, _ piece: Range<Int>) -> Range<Int>

    /// Nothing more is read.
    ///
    /// - Returns: where in the space that is which is to be written still.
    func end(_ space: UnsafeMutableRawBufferPointer) -> Range<Int>

    /// Whether writing now comes between nobody's bytes.
    var mayWrite: Bool { get }

    /// What of it was written.
    func written(_ bytes: UnsafeRawBufferPointer)

    /// Nothing more is written.
    func finished()
}
