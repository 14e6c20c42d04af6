internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Which processes of the `/proc` that a place has are the place's.
///
/// All of them, where it is the place's own. In the weaker profile `container` it has those of the whole container: then a process
/// counts that is in the place's pid namespace, and one that keeps its namespace from us but is in some pid namespace below that
/// of `/proc`. The second may be somebody else's: what is counted errs on the strict side.
struct PlaceMembers: Sendable {
    /// The place's pid namespace; nil where everything counts.
    private let namespace: Namespace?

    private struct Namespace: Sendable {
        var device: UInt64
        var inode: UInt64
    }

    /// Everything that is listed.
    static let all = PlaceMembers(namespace: nil)

    private init(namespace: Namespace?) { self.namespace = namespace }

    /// - Parameters:
    ///   - plan: of the place.
    ///   - files: of its pid 1.
    /// - Throws: `Refusal` when its pid namespace cannot be told.
    init(_ plan: LaunchPlan, _ files: borrowing ProcessFiles) throws(Refusal) {
        guard plan.confinement == .container else {
            self = .all
            return
        }
        let found = try files.target("ns/pid")
        self.init(namespace: Namespace(device: found.device, inode: found.inode))
    }

    /// - Parameters:
    ///   - process: its number in `proc`.
    ///   - proc: descriptor of the place's `/proc`.
    /// - Returns: false for one that has ended, too.
    func contains(_ process: OSString, below proc: Int32) -> Bool {
        guard let namespace else { return true }
        var found = cs_identity()
        let result = process.appending("ns/pid").withPointer { cs_identify_following(proc, $0, &found) }
        if result == 0 { return found.device == namespace.device && found.inode == namespace.inode }
        guard result == -Int(EACCES) || result == -Int(EPERM) else { return false }
        // Closed to us, as one is that executes what nobody may read; this file is not (proc(5), NSpid: a number for each level).
        let status = ProcessStatus(parsing: ProcessMemory.read(process.appending("status"), below: proc))
        return status.count("NSpid") > 1
    }
}
