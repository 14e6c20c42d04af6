import Glibc

/// Who starts the launcher, and as whom the worker is to run.
public enum Caller: String, Sendable, CaseIterable, CustomStringConvertible {
    case user
    case root

    public var description: String { "as \(rawValue)" }

    /// Those this run of the tests can be: root can be both.
    public static var available: [Caller] { getuid() == 0 ? [.user, .root] : [.user] }

    /// The worker's id: nobody's account, so that no account has to exist and no other process has it.
    public static let worker: (uid: UInt32, gid: UInt32) = {
        guard getuid() == 0 else { return (getuid(), getgid()) }
        let id = 60_001 + UInt32(getpid()) % 1_100
        return (id, id)
    }()

    /// Options of the keeper that make a command run as this caller.
    public var keeperOptions: [String] {
        self == .user && getuid() == 0 ? Caller.workerOptions : []
    }

    /// Options of the keeper that make a command run as the worker would, without a sandbox.
    public static var workerOptions: [String] {
        getuid() == 0 ? ["--uid", "\(worker.uid)", "--gid", "\(worker.gid)"] : []
    }
}
