internal import CShims
internal import Glibc
public import SandboxPlan

/// Looks for a part of the cgroup tree that is the caller's to divide; changes nothing.
///
/// systemd's rule is kept (systemd.io, "Control Group APIs and Delegation"): who runs in a unit may divide its group only
/// if the unit is marked as delegated. A group that is no unit is given away by giving its files away (cgroups(7)).
public struct CgroupHost {
    /// Where every host with the unified hierarchy has it.
    var mount: OSString = "/sys/fs/cgroup"
    /// The caller's own table.
    var table: OSString = "/proc/self/cgroup"
    /// Each controller of the kernel, with the hierarchy of version 1 that has it.
    var hierarchies: OSString = "/proc/cgroups"
    /// The caller's mounts.
    var mounts: OSString = "/proc/self/mountinfo"

    public init() {}

    /// What there is; without a unified hierarchy this is one system call, in a group of somebody else's five.
    public func offer() -> CgroupOffer {
        let kind = mount.withCString { cs_is_cgroup2($0) }
        if kind == -ENOENT { return .none(.notMounted) }
        guard kind >= 0 else { return .none(.failed(call: "statfs", subject: mount.description, errno: -kind)) }
        guard kind == 1 else { return .none(.versionOne) }
        do throws(SyscallError) {
            return try subtree()
        } catch {
            return .none(.failed(call: error.call, subject: error.subject, errno: error.errno))
        }
    }

    private func subtree() throws(SyscallError) -> CgroupOffer {
        guard let name = CgroupName.of(try FileReading.read(table)), CgroupName.isInNamespace(name) else {
            return .none(.outsideNamespace)
        }
        let own = folder(name)
        switch access(own.appending("cgroup.procs"), W_OK) {
        case 0: break
        case EROFS: return .none(.readOnly)
        // A mount that shows another part of the tree than the one we are in.
        case ENOENT: return .none(isOfNamespace ? .outsideNamespace : .otherMount)
        // The table of mounts is long: it is read only where the mount's own root was taken for the caller's group.
        case let code: return .none(name != "/" || isOfNamespace ? .notWritable(errno: code) : .otherMount)
        }
        // Of an earlier launch: the processes that stood in the subtree's own group are here.
        if name.lastComponent == CgroupSubtree.callersName {
            return try offer(name.parent, holdsCaller: false)
        }
        if isDelegated(name) { return try offer(name, holdsCaller: true) }
        if let unit = CgroupName.unit(name) {
            return .none(try hopeless(name).map { .noControllers($0) } ?? .notDelegated(unit: unit))
        }
        // DelegateSubgroup=: the group around this one was given away, and has handed nothing on yet.
        if name != "/", isDelegated(name.parent), try controllers(own, "cgroup.controllers").isEmpty {
            return try offer(name.parent, holdsCaller: false)
        }
        return try offer(name, holdsCaller: true)
    }

    /// What the group of this name has to give; `holdsCaller` where we are in it.
    private func offer(_ name: OSString, holdsCaller: Bool) throws(SyscallError) -> CgroupOffer {
        let path = folder(name)
        for file in ["", "cgroup.procs", "cgroup.subtree_control"] as [OSString] {
            let code = access(file.isEmpty ? path : path.appending(file), file.isEmpty ? W_OK | X_OK : W_OK)
            if code != 0 { return .none(code == EROFS ? .readOnly : .notWritable(errno: code)) }
        }
        let list = try FileReading.read(path.appending("cgroup.controllers"))
        let there = CgroupHost.controllers(list)
        let missing = CgroupController.allCases.filter { !there.contains($0) }
        let lacks = missing.map { lack($0, of: name) }
        if there.isEmpty { return .none(.noControllers(lacks)) }
        // The root of the whole tree may have processes beside its children; it alone has no type.
        let isRoot = access(path.appending("cgroup.type"), F_OK) == ENOENT
        return .subtree(
            CgroupSubtree(
                path: path,
                name: name,
                controllers: there,
                lacks: lacks,
                movesProcesses: holdsCaller && !isRoot,
                countsIO: CgroupHost.countsIO(list)
            )
        )
    }

    func folder(_ name: OSString) -> OSString { name == "/" ? mount : OSString(mount.bytes + name.bytes) }

    /// By the mark on the group, or by what its unit was started with: a user's own manager (252 and 255 were looked at)
    /// sets no mark.
    private func isDelegated(_ name: OSString) -> Bool {
        if folder(name).withCString({ cs_is_delegated_cgroup($0) }) == 1 { return true }
        guard let unit = CgroupName.unit(name), isOfUsersManager(name) else { return false }
        return UserUnit(unit).isDelegated
    }

    /// Whether a group that the caller can write to is a unit of its user's own manager.
    ///
    /// In a cgroup namespace the manager's own service may lie above the root: only what was given to an ordinary user is its to write.
    private func isOfUsersManager(_ name: OSString) -> Bool {
        name.components.contains(OSString("user@\(geteuid()).service")) || geteuid() != 0 && isNamespaced
    }

    /// 0, or errno, for the ids that calls are judged by (faccessat(2)).
    func access(_ path: OSString, _ mode: Int32) -> Int32 {
        let result = path.withCString { faccessat(AT_FDCWD, $0, mode, AT_EACCESS) }
        let code = errno
        return result == 0 ? 0 : code
    }

    /// Those of a list that can hold a limit of ours.
    func controllers(_ group: OSString, _ file: OSString) throws(SyscallError) -> [CgroupController] {
        CgroupHost.controllers(try FileReading.read(group.appending(file)))
    }

    /// Whether a list has the controller that counts input and output.
    static func countsIO(_ list: [UInt8]) -> Bool {
        list.split { $0 == 0x20 || $0 == 0x0A }.contains { $0.elementsEqual("io".utf8) }
    }

    /// Those of a list that can hold a limit of ours; the kernel has further ones, which are none of our business.
    static func controllers(_ list: [UInt8]) -> [CgroupController] {
        let words = list.split { $0 == 0x20 || $0 == 0x0A }
        return CgroupController.allCases.filter { controller in
            words.contains { $0.elementsEqual(controller.rawValue.utf8) }
        }
    }
}
