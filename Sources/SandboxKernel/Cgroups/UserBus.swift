internal import CShims
internal import Glibc
public import SandboxPlan

/// Where the calling user's service manager may be asked (sd_bus_open_user(3)); looked at without opening anything.
public enum UserBus {
    /// Of its environment the one who asks gets these two.
    public static let variables = ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"]

    /// Whether somebody may answer there: at most one stat(2).
    ///
    /// - Parameter variable: finds a variable's first value.
    /// - Returns: whether it is worth asking; an address that nobody listens at any more is found out by that.
    public static func mayBeThere(_ variable: (String) -> OSString?) -> Bool {
        if let address = variable("DBUS_SESSION_BUS_ADDRESS") { return isLocal(address) }
        guard let folder = variable("XDG_RUNTIME_DIR"), folder.isAbsolute else { return false }
        var found = stat()
        return folder.appending("bus").withCString { stat($0, &found) } == 0 && found.st_mode & S_IFMT == S_IFSOCK
    }

    /// Another machine's manager, or one behind a program that the address names, cannot move a process of this one's.
    static func isLocal(_ address: OSString) -> Bool {
        let places = address.bytes.split(separator: UInt8(ascii: ";"))
        return !places.isEmpty && places.allSatisfy { $0.starts(with: "unix:".utf8) }
    }
}

extension CgroupHost {
    /// Whether a scope of the user's manager is worth asking for; changes nothing.
    ///
    /// Without a user bus in the environment this looks at nothing else.
    ///
    /// - Parameter variable: finds a variable's first value in the caller's environment.
    /// - Returns: `.wanted`, `.kept` where the launch belongs where its caller is, or `.none`.
    public func scope(_ variable: (String) -> OSString?) -> ScopeRequest {
        // As root there is a manager only where root has logged in; its units are not the system's.
        guard geteuid() != 0, UserBus.mayBeThere(variable), case .none(let absence) = offer(), absence.isMendedByScope
        else { return .none }
        do throws(SyscallError) {
            guard let name = CgroupName.of(try FileReading.read(table)) else { return .none }
            return try tie(name).map { .kept($0) } ?? .wanted
        } catch { return .none }
    }

    /// What would be lost in another group: whoever stops a service stops what is in its group, and a group's limits hold what is in it.
    ///
    /// A service may have divided its group, and called a part of it by a unit's name: every level counts. So does another user's
    /// manager, which is a service of the system's.
    func tie(_ name: OSString) throws(SyscallError) -> String? {
        var groups: [OSString] = []
        var group = name
        while group != "/", !isUsersOwn(group) {
            if let unit = CgroupName.unit(group), CgroupName.ends(unit, ".service") {
                return "the caller runs in \(unit), and what stops that is to stop the job"
            }
            groups.append(group)
            group = group.parent
        }
        for group in groups {
            for file in GroupLimit.files {
                let path = folder(group).appending(file.name)
                guard let text = try setting(path), let line = file.kind.line(of: text) else { continue }
                return "\(path) is \(line), which holds the caller and would not hold the job elsewhere"
            }
        }
        return nil
    }

    /// Nil where its controller did not come to the group, or whoever gave it keeps it to himself.
    private func setting(_ path: OSString) throws(SyscallError) -> [UInt8]? {
        do throws(SyscallError) {
            return try FileReading.read(path)
        } catch {
            if [ENOENT, EACCES].contains(error.errno) { return nil }
            throw error
        }
    }

    /// A group that a scope of the user's manager is below, too.
    private func isUsersOwn(_ group: OSString) -> Bool {
        let last = group.lastComponent
        return last == OSString("user@\(geteuid()).service") || last == OSString("user-\(geteuid()).slice")
    }
}
