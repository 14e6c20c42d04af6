internal import CShims
internal import Glibc
internal import SandboxPlan

/// Makes a subtree hand its controllers on to its children.
///
/// A group that has processes can hand on no memory controller (cgroups(7), "no internal processes"), and with the others it
/// takes in no domain below it (it is a thread root then): they are moved to a child beside which the leaves will stand. It
/// stays, so this happens once. What is done twice at once comes to the same.
enum SubtreeDivision {
    /// - Parameters:
    ///   - folder: of the subtree.
    ///   - subtree: as `CgroupHost` found it.
    /// - Throws: `SyscallError`: EBUSY when processes kept appearing, EPERM for one that this pid namespace does not see.
    static func divide(_ folder: Int32, _ subtree: CgroupSubtree) throws(SyscallError) {
        let list = try CgroupFile.text("cgroup.subtree_control", in: folder) ?? []
        defer { if subtree.countsIO && !CgroupHost.countsIO(list) { countIO(folder) } }
        let handedOn = CgroupHost.controllers(list)
        let missing = subtree.controllers.filter { !handedOn.contains($0) }
        if missing.isEmpty && !subtree.movesProcesses { return }
        for attempt in 0..<8 {
            if subtree.movesProcesses { try moveProcesses(folder, subtree.path) }
            if missing.isEmpty { return }
            do throws(SyscallError) {
                // All or none: what one launch can have, the next one can.
                let words = missing.map { "+" + $0.rawValue }
                var text = ""
                for word in words { text += text.isEmpty ? word : " " + word }
                return try CgroupFile.write(text, to: "cgroup.subtree_control", in: folder)
            } catch {
                // A process that was born meanwhile.
                guard error.errno == EBUSY, attempt < 7 else { throw error }
            }
        }
    }

    /// It holds no limit: where it cannot be had, nothing is counted.
    private static func countIO(_ folder: Int32) {
        do throws(SyscallError) { try CgroupFile.write("+io", to: "cgroup.subtree_control", in: folder) } catch {}
    }

    private static func moveProcesses(_ folder: Int32, _ path: OSString) throws(SyscallError) {
        let callers = path.appending(CgroupSubtree.callersName)
        let made = callers.withCString { cs_make_folder($0, 0o755) }
        if made < 0 && made != -EEXIST {
            throw SyscallError(call: "mkdir", subject: callers.description, errno: -made)
        }
        let target = try FileReading.folder(callers, followingLinks: false)
        for _ in 0..<64 {
            let list = try CgroupFile.text("cgroup.procs", in: folder) ?? []
            if list.isEmpty { return }
            for line in list.split(separator: 0x0A) {
                // Out of sight of this pid namespace; written, the number would mean ourselves.
                guard let pid = KernelText.number(list, in: line.indices), pid > 0 else {
                    throw SyscallError(call: "read", subject: path.appending("cgroup.procs").description, errno: EPERM)
                }
                do throws(SyscallError) {
                    try CgroupFile.write(String(pid), to: "cgroup.procs", in: target.number)
                } catch {
                    if error.errno != ESRCH { throw error }
                }
            }
        }
        throw SyscallError(call: "write", subject: callers.appending("cgroup.procs").description, errno: EBUSY)
    }
}
