internal import WebTransport

/// Who may ask for anything at all.
///
/// The name by which a client addresses the server is checked against DNS rebinding: a page of another site can make its own
/// name mean this host, but it cannot make a browser send another name than that. With a token every client has to show it;
/// without one a client must run under the server's own account or under root, which the kernel says of loopback and unix
/// sockets, and nobody from another host is served.
final class AccessRule: Sendable {
    enum Verdict: Hashable {
        case allowed
        /// The request names no host, or several.
        case noHost
        case foreignHost
        case noToken
        case foreignPeer
    }

    private let names: Set<String>
    /// Those as most clients send them: alone, and with the port where the server listens.
    private let usualHosts: Set<String>
    /// Listening everywhere, each address of this host is its name.
    private let takesNumericHosts: Bool
    private let token: BearerToken?
    private let ownUID: UInt32

    init(_ settings: APISettings, ownUID: UInt32) {
        var names: Set<String> = ["localhost", "127.0.0.1", "[::1]"]
        var isWildcard = false
        if case .tcp(let host, _) = settings.listen {
            isWildcard = NumericAddress.isWildcard(host)
            if !isWildcard { names.insert(host.contains(":") ? "[\(host.lowercased())]" : host) }
        }
        names.formUnion(settings.allowedHosts)
        var usualHosts = names
        if case .tcp(_, let port) = settings.listen { usualHosts.formUnion(names.map { "\($0):\(port)" }) }
        // Only what is taken apart to just that name.
        self.names = names
        self.usualHosts = usualHosts.filter { host in HostName(host).map { names.contains($0.name) } ?? false }
        takesNumericHosts = isWildcard
        token = settings.token.map { BearerToken($0) }
        self.ownUID = ownUID
    }

    private func isOwn(_ field: String) -> Bool {
        guard let host = HostName(field) else { return false }
        return names.contains(host.name) || takesNumericHosts && host.isNumeric
    }

    func verdict(_ head: HTTPRequestHead, needsToken: Bool) -> Verdict {
        switch head.peer.kind {
        // The watchdog's look knows no token, and nobody else gets that pair of sockets.
        case .itself: return .allowed
        case .unix: break
        case .loopback, .remote:
            guard let field = head.headers["Host"] else { return .noHost }
            guard usualHosts.contains(field) || isOwn(field) else { return .foreignHost }
        }
        if let token {
            if !needsToken { return .allowed }
            guard let field = head.headers["Authorization"], token.isIn(field) else { return .noToken }
            return .allowed
        }
        guard head.peer.kind != .remote, let uid = head.peer.uid, uid == ownUID || uid == 0 else { return .foreignPeer }
        return .allowed
    }
}
