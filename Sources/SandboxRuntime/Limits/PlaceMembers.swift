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

    private struct Namespace: Sendable {
        var device: UInt64
        var inode: UInt64
        /// Number of its pid 1 in the `/proc` that is read.
        var first: UInt64
    }

    /// Processes above one another that are asked: more than a place may have.
    private static let mostParents = 1 << 16

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
        self.init(namespace: Namespace(device: found.device, inode: found.inode, first: UInt64(max(files.pid, 0))))
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
        // Closed to us, as one is that executes what nobody may read; this file is not.
        return descends(process, from: namespace.first, below: proc)
    }

    /// Whether the parents of a process lead to the place's pid 1.
    private func descends(_ process: OSString, from first: UInt64, below proc: Int32) -> Bool {
        // A parent that ends meanwhile leaves its children to another one: they are asked again.
        for _ in 0..<3 {
            var current = process
            for _ in 0..<PlaceMembers.mostParents {
                if current == OSString("\(first)") { return true }
                let status = ProcessStatus(parsing: ProcessMemory.read(current.appending("status"), below: proc))
                guard let parent = status.number("PPid") else {
                    if current == process { return false }
                    break
                }
                // The first process of this /proc, or one that it does not have.
                if parent <= 1 { return false }
                current = OSString("\(parent)")
            }
        }
        // Errs on the strict side.
        return true
    }
}
