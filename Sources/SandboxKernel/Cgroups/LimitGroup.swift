internal import CShims
internal import Glibc
public import SandboxPlan

/// The cgroup of one place: a leaf below a subtree that is the caller's.
///
/// Who drops it kills what is in it and removes it. A lock on its folder goes with this process, so that the next launch
/// knows what a killed one has left (`sweep`).
public final class LimitGroup {
    /// Its folder.
    public let path: OSString
    /// As `/proc/PID/cgroup` has it in the supervisor's cgroup namespace.
    public let name: OSString
    /// What its limits can stand on.
    public let controllers: [CgroupController]
    /// Whether its share of the disks can be set: the controller io came, and the kernel has its weights (CONFIG_BLK_CGROUP_IOCOST).
    public let weighsIO: Bool
    private let folder: OwnedFileDescriptor
    private var isThere = true

    private init(
        path: OSString,
        name: OSString,
        controllers: [CgroupController],
        weighsIO: Bool,
        folder: consuming OwnedFileDescriptor
    ) {
        self.path = path
        self.name = name
        self.controllers = controllers
        self.weighsIO = weighsIO
        self.folder = folder
    }

    deinit {
        if isThere { LimitGroup.remove(path, folder.number) }
    }

    /// For clone3(2) with CLONE_INTO_CGROUP.
    public var descriptor: Int32 { folder.number }

    /// Divides the subtree, as far as that was not done, removes what killed launches have left in it, and makes a leaf.
    ///
    /// - Parameters:
    ///   - subtree: as `CgroupHost` found it.
    ///   - identifier: the launch's.
    /// - Returns: the leaf, empty, with the controllers that came.
    /// - Throws: `SyscallError`; the leaf is gone then.
    public static func make(in subtree: CgroupSubtree, for identifier: String) throws(SyscallError) -> LimitGroup {
        let folder = try FileReading.open(subtree.path)
        try SubtreeDivision.divide(folder.number, subtree)
        sweep(folder.number, subtree.path)
        return try make(OSString(CgroupSubtree.leafPrefix.bytes + Array(identifier.utf8)), in: subtree)
    }

    /// Divides the subtree, and begins to remove what killed launches have left in it: for a server that will launch from it.
    ///
    /// - Returns: the leaves that are still there, to be waited for beside other work (`LeftGroups.remove`).
    /// - Throws: `SyscallError` where it cannot be divided.
    public static func prepare(_ subtree: CgroupSubtree) throws(SyscallError) -> LeftGroups {
        let folder = try FileReading.open(subtree.path)
        try SubtreeDivision.divide(folder.number, subtree)
        var left = LeftGroups(leaves(folder.number, subtree.path))
        left.attempt()
        return left
    }

    private static func make(_ first: OSString, in subtree: CgroupSubtree) throws(SyscallError) -> LimitGroup {
        // Between the two calls another launch's `sweep` may take it for a left-over: then once more,
        // by another name: what that one removes by the first must not be the second.
        var attempts = 0
        while true {
            attempts += 1
            let leaf = attempts == 1 ? first : OSString(first.bytes + Array("-\(attempts)".utf8))
            let path = subtree.path.appending(leaf)
            try checkedKernel("mkdir", on: path.description) { Int(path.withCString { cs_make_folder($0, 0o700) }) }
            do throws(SyscallError) {
                let folder = try FileReading.open(path, followingLinks: false)
                try checkedKernel("flock", on: path.description) { Int(cs_lock_folder(folder.number)) }
                let list = try CgroupFile.text("cgroup.controllers", in: folder.number) ?? []
                var controllers = CgroupHost.controllers(list)
                // Without it a job would swap instead of meeting its limit.
                let hasSwap = try CgroupFile.text("memory.swap.max", in: folder.number) != nil
                if !hasSwap { controllers.removeAll { $0 == .memory } }
                return LimitGroup(
                    path: path,
                    name: subtree.name.appending(leaf),
                    controllers: controllers,
                    weighsIO: subtree.countsIO ? try CgroupFile.text("io.weight", in: folder.number) != nil : false,
                    folder: folder
                )
            } catch {
                _ = path.withCString { cs_remove_folder($0) }
                let isLost = error.errno == ENOENT || error.errno == EWOULDBLOCK || error.errno == ENODEV
                if !isLost || attempts >= 8 { throw error }
            }
        }
    }

    /// Writes each, in order.
    ///
    /// - Throws: `SyscallError` of the first that is refused.
    public func apply(_ settings: [CgroupSetting]) throws(SyscallError) {
        for setting in settings { try CgroupFile.write(setting.value, to: setting.file, in: folder.number) }
    }

    /// What a file says now; nil when the kernel has none of that name (any more).
    public func value(of file: OSString) throws(SyscallError) -> String? {
        do throws(SyscallError) {
            return try CgroupFile.text(file, in: folder.number).map { String(decoding: $0, as: UTF8.self) }
        } catch {
            // A controller that was taken back takes its files along.
            if error.errno == ENODEV { return nil }
            throw error
        }
    }

    /// Moves a process, with all its threads.
    public func enter(_ pid: Int32) throws(SyscallError) {
        try CgroupFile.write(String(pid), to: "cgroup.procs", in: folder.number)
    }

    /// What was counted up to now; what the kernel does not count is left out.
    ///
    /// - Throws: `SyscallError` when the group cannot be read any more.
    public func usage() throws(SyscallError) -> CgroupUsage {
        let group = folder.number
        var usage = CgroupUsage()
        let processor = try CgroupFile.text("cpu.stat", in: group) ?? []
        usage.processorMicroseconds = CgroupFile.number("usage_usec", in: processor)
        usage.throttledMicroseconds = CgroupFile.number("throttled_usec", in: processor)
        usage.processorPressureMicroseconds = try CgroupFile.pressure("cpu.pressure", in: group)
        usage.memoryPressureMicroseconds = try CgroupFile.pressure("memory.pressure", in: group)
        usage.ioPressureMicroseconds = try CgroupFile.pressure("io.pressure", in: group)
        if let disks = try CgroupFile.text("io.stat", in: group) {
            usage.readBytes = ByteCount(bytes: CgroupFile.sum("rbytes=", in: disks))
            usage.writtenBytes = ByteCount(bytes: CgroupFile.sum("wbytes=", in: disks))
        }
        if controllers.contains(.memory) {
            usage.memoryPeak = try CgroupFile.number("memory.peak", in: group).map { ByteCount(bytes: $0) }
            usage.memoryLimitHits = try CgroupFile.number("oom", of: "memory.events", in: group) ?? 0
            usage.memoryKills = try CgroupFile.number("oom_kill", of: "memory.events", in: group) ?? 0
        }
        if controllers.contains(.pids) {
            usage.tasksPeak = try CgroupFile.number("pids.peak", in: group)
            usage.tasksRefused = try CgroupFile.number("max", of: "pids.events", in: group) ?? 0
        }
        return usage
    }

    /// Kills every process in it, and those that are being made (`cgroup.kill`, since Linux 5.14), without waiting.
    public func kill() { LimitGroup.kill(folder.number) }

    /// Kills what is left, waits for it, and removes the group.
    public func end() {
        if isThere { LimitGroup.remove(path, folder.number) }
        isThere = false
    }

    private static func kill(_ group: Int32) {
        // What of it is in a pid namespace of ours is killed by that, too: pid 1's end is not left to this one file.
        do throws(SyscallError) { try CgroupFile.write("1", to: "cgroup.kill", in: group) } catch {}
    }

    /// Tries for two seconds; what stays goes with the next launch, which finds nobody holding it.
    private static func remove(_ path: OSString, _ group: Int32) {
        kill(group)
        for _ in 0..<2000 {
            if path.withCString({ cs_remove_folder($0) }) != -EBUSY { return }
            var pause = timespec(tv_sec: 0, tv_nsec: 1_000_000)
            _ = nanosleep(&pause, nil)
        }
    }

    /// Removes the leaves of launches whose supervisor is gone: nobody holds the lock of their folder.
    ///
    /// What cannot be opened or removed is somebody else's, or goes next time.
    static func sweep(_ folder: Int32, _ path: OSString) {
        for leaf in leaves(folder, path) {
            // Its processes are mostly gone long since: pid 1 ends with its supervisor.
            for _ in 0..<100 {
                guard removeIfDead(leaf) == .isBusy else { break }
                LeftGroups.pause(milliseconds: 1)
            }
        }
    }

    /// The paths of all leaves; none of a folder that cannot be read.
    private static func leaves(_ folder: Int32, _ path: OSString) -> [OSString] {
        var found: [OSString] = []
        do throws(SyscallError) {
            try FolderEntries.each(in: folder, named: path) { (entry) throws(SyscallError) in
                let name = entry.copy
                if isLeaf(name) { found.append(path.appending(name)) }
                return true
            }
        } catch {}
        return found
    }

    /// The names that `make` gives: the prefix, an identifier of 32 hexadecimal digits, and `-2` to `-8` at most.
    static func isLeaf(_ name: OSString) -> Bool {
        let prefix = CgroupSubtree.leafPrefix.bytes
        guard name.bytes.starts(with: prefix) else { return false }
        let rest = name.bytes.dropFirst(prefix.count)
        let isIdentifier = rest.count >= 32 && rest.prefix(32).allSatisfy { isHexadecimal($0) }
        let suffix = Array(rest.dropFirst(32))
        let isKnown =
            suffix.isEmpty || suffix.count == 2 && suffix[0] == UInt8(ascii: "-") && (0x32...0x38).contains(suffix[1])
        return isIdentifier && isKnown
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }

    /// What has become of a leaf.
    enum Removal: Hashable, Sendable {
        /// It is not there any more, or is nobody's leaf.
        case isOver
        /// Somebody has its lock.
        case isHeld
        /// Nobody has it, and its processes, which were killed, are not gone.
        case isBusy
    }

    /// Kills what is in a leaf that nobody holds, and removes it; without waiting.
    static func removeIfDead(_ path: OSString) -> Removal {
        let flags = UInt64(O_RDONLY | O_NONBLOCK) | UInt64(CS_O_DIRECTORY)
        let number = path.withCString {
            cs_openat2(FileReading.currentFolder, $0, flags, 0, UInt64(CS_RESOLVE_NO_SYMLINKS))
        }
        if number < 0 { return .isOver }
        let folder = OwnedFileDescriptor(owning: Int32(number))
        var found = stat()
        guard fstat(folder.number, &found) == 0, found.st_uid == geteuid() else { return .isOver }
        if cs_lock_folder(folder.number) != 0 { return .isHeld }
        kill(folder.number)
        return path.withCString { cs_remove_folder($0) } == -EBUSY ? .isBusy : .isOver
    }
}
