import Glibc

/// A socket that a service manager has handed to this process (sd_listen_fds_with_names(3)).
public struct HandedSocket: Hashable, Sendable {
    /// From 3 on; whoever takes it closes it.
    public var descriptor: Int32
    /// `FileDescriptorName=` of the socket unit; else the unit's name.
    public var name: String

    public init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }
}

extension HTTPListener {
    /// Listens at an address: of `fd` at every socket that was handed over, of `fd:NAME` at those of that name.
    ///
    /// Each is looked at (fstat(2), getsockopt(2)): a unit that hands over something else is told so, and not obeyed.
    ///
    /// - Parameters:
    ///   - address: where.
    ///   - handed: taken over, also if this throws; what is not listened at is closed.
    /// - Returns: one listener at least.
    /// - Throws: `ListenError`; nothing is left open then.
    public static func all(
        _ address: HTTPListenAddress,
        handed: [HandedSocket]
    ) throws(ListenError) -> [HTTPListener] {
        guard case .inherited(let name) = address else {
            for socket in handed { Glibc.close(socket.descriptor) }
            return [try HTTPListener(address)]
        }
        var chosen: [HandedSocket] = []
        for socket in handed {
            if name == nil || socket.name == name { chosen.append(socket) } else { Glibc.close(socket.descriptor) }
        }
        guard !chosen.isEmpty else {
            let others =
                handed.isEmpty ? "no socket was handed over (LISTEN_FDS)" : "no socket of that name was handed over"
            throw ListenError(
                kind: .notListening,
                what: name.map { "'fd:\($0)'" } ?? "'fd'",
                why: others,
                remedy: "Start the server by its socket unit, or name an address."
            )
        }
        var listeners: [HTTPListener] = []
        for (index, socket) in chosen.enumerated() {
            do throws(ListenError) {
                listeners.append(try HTTPListener(.descriptor(socket.descriptor)))
            } catch {
                for listener in listeners { listener.close() }
                for left in chosen[index...] { Glibc.close(left.descriptor) }
                throw error
            }
        }
        return listeners
    }
}
