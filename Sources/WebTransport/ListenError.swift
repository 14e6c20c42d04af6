/// Why a server does not listen where it was told to.
public struct ListenError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// The text names no address.
        case malformed
        /// Something listens there already.
        case busy
        case permission
        /// The address is none of this host.
        case notHere
        /// At the path of a unix socket lies something else, which is never removed.
        case occupied
        /// The inherited descriptor is no listening socket.
        case notListening
        case fault
    }

    public var kind: Kind
    /// The address, as it was given.
    public var what: String
    public var why: String
    public var remedy: String

    public var description: String { "cannot listen at \(what): \(why). \(remedy)" }
}
