internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Which processes of the `/proc` that a place has are the place's.
///
/// All of them, where it is the place's own. In the weaker profile `container` it has those of the whole container: then a process
/// counts that is in the place's pid namespace; of one that keeps its namespace from us the parents tell (proc(5), PPid), up to the
/// place's pid 1, to which every orphan of the namespace comes.
struct PlaceMembers: Sendable {
    /// The place's pid namespace; nil where everything counts.
    private let namespace: Namespace?

    struct Namespace: Sendable {
        var device: UInt64
        var inode: UInt64
        /// Number of its pid 1 in the `/proc` that is read.
        var first: UInt64
    }

    /// Everything that is listed.
    static let all = PlaceMembers(namespace: nil)

    init(namespace: Namespace?) { self.namespace = namespace }

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
        self.init(namespace: Namespace(device: found.device, inode: found.inode, first: UInt64(max(files.pid, 0))))
    }

    /// Begins one pass over a `/proc`.
    ///
    /// - Parameter proc: descriptor of the place's `/proc`; outlives the pass.
    /// - Returns: what is asked of each process.
    func look(below proc: Int32) -> PlaceLook { PlaceLook(namespace, below: proc) }
}
