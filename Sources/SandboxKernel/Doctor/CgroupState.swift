internal import Glibc
internal import SandboxPlan

/// What cgroup v2 offers to the caller (cgroups(7)); information only: no limit of this version uses it.
public enum CgroupState: Hashable, Sendable {
    /// No cgroup2 file system is mounted, or the caller is in no group of it.
    case none
    /// The caller's group may be divided by it, with these controllers.
    case delegated(controllers: [String])
    case notDelegated(errno: Int32)
    case unknown(errno: Int32)

    static func read(_ mounts: MountTable?) -> CgroupState {
        guard let mounts else { return .unknown(errno: EBADMSG) }
        let table: [UInt8]
        switch PlainFile.read("/proc/self/cgroup") {
        case .success(let bytes): table = bytes
        case .failure(let error): return .unknown(errno: error.errno)
        }
        guard let line = table.split(separator: 0x0A).first(where: { $0.starts(with: "0::/".utf8) }),
            let mount = mounts.entries.last(where: { $0.type == "cgroup2" })
        else { return .none }
        let path = OSString(line.dropFirst("0::/".utf8.count))
        let group = path.isEmpty ? mount.target : mount.target.appending(path)
        guard group.appending("cgroup.procs").withCString({ faccessat(AT_FDCWD, $0, W_OK, AT_EACCESS) }) == 0,
            group.withCString({ faccessat(AT_FDCWD, $0, W_OK | X_OK, AT_EACCESS) }) == 0
        else { return .notDelegated(errno: errno) }
        guard let name = group.appending("cgroup.controllers").utf8, let controllers = PlainFile.firstLine(name) else {
            return .delegated(controllers: [])
        }
        return .delegated(controllers: controllers.split(separator: " ").map(String.init))
    }
}
