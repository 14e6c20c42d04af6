/// The two names of a workspace that the job finds at another path than its own: one on the host, one in the place.
public struct WorkspaceNames: Hashable, Sendable {
    public var host: OSString
    public var inside: OSString

    public init(host: OSString, inside: OSString) {
        self.host = host
        self.inside = inside
    }

    /// The place's name of what the host calls `path`; the same for what lies outside of the workspace.
    public func inside(_ path: OSString) -> OSString { Self.moved(path, from: host, to: inside) }

    /// The host's name of what the place calls `path`.
    public func host(_ path: OSString) -> OSString { Self.moved(path, from: inside, to: host) }

    private static func moved(_ path: OSString, from: OSString, to: OSString) -> OSString {
        guard path.isWithin(from) else { return path }
        return OSString(to.bytes + path.bytes[from.bytes.count...])
    }
}

extension LaunchPlan {
    /// The host's name of what the place calls `path`.
    public func hostPath(_ path: OSString) -> OSString { workspaceNames?.host(path) ?? path }
}
