internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// One pass over a `/proc`: which of its processes are the place's (`PlaceMembers`).
///
/// Who keeps its namespace closed is looked up by its parents. Each process is asked for its parent once in a pass, and what is
/// found holds for all on the way: a job that makes a long chain of such processes, or another user of the container that does, makes
/// a look no longer than their number does.
struct PlaceLook {
    /// Questions of one pass: some tenths of a second.
    ///
    /// Whoever is left over counts as the place's.
    static let most = 1 << 15

    private let namespace: PlaceMembers.Namespace?
    private let proc: Int32
    private let most: Int
    /// Whether a process is the place's, as far as it has been asked for.
    private var verdicts: [UInt64: Bool] = [:]
    /// Parents that have been asked for.
    private(set) var questions = 0

    init(_ namespace: PlaceMembers.Namespace?, below proc: Int32, most: Int = PlaceLook.most) {
        self.namespace = namespace
        self.proc = proc
        self.most = most
    }

    /// - Parameter process: its number in that `/proc`.
    /// - Returns: false for one that has ended, too.
    mutating func contains(_ process: OSString) -> Bool {
        guard let namespace else { return true }
        var found = cs_identity()
        let result = process.appending("ns/pid").withPointer { cs_identify_following(proc, $0, &found) }
        if result == 0 { return found.device == namespace.device && found.inode == namespace.inode }
        if result == -Int(ENOENT) || result == -Int(ESRCH) { return false }
        // Closed to us, as one is that executes what nobody may read; who its parent is, is not.
        var number: UInt64 = 0
        for byte in process.bytes {
            // No process has such a name; errs on the strict side.
            guard (0x30...0x39).contains(byte) else { return true }
            number = number &* 10 &+ UInt64(byte - 0x30)
        }
        return descends(number, from: namespace.first)
    }

    /// Whether the parents of a process lead to the place's pid 1; true where too many have been asked for already.
    mutating func descends(_ process: UInt64, from first: UInt64) -> Bool {
        var way: [UInt64] = []
        var current = process
        while true {
            if current == first { return settle(way, true) }
            if let known = verdicts[current] { return settle(way, known) }
            // Errs on the strict side.
            if questions >= most { return true }
            guard let parent = parent(of: current) else {
                // It has ended, and left its children to another one: the last of them is asked again.
                guard let child = way.popLast() else { return false }
                current = child
                continue
            }
            way.append(current)
            // The first process of this /proc, or one that it does not have.
            if parent <= 1 { return settle(way, false) }
            current = parent
        }
    }

    private mutating func settle(_ way: [UInt64], _ verdict: Bool) -> Bool {
        for process in way { verdicts[process] = verdict }
        return verdict
    }

    /// Nil for one that has ended.
    private mutating func parent(of process: UInt64) -> UInt64? {
        // One that ends while its file is read has none (proc(5) says 0 then): whether it is there still, a second look says.
        let parent = asked(process)
        return parent == 0 ? asked(process) : parent
    }

    private mutating func asked(_ process: UInt64) -> UInt64? {
        questions += 1
        let path = OSString("\(process)").appending("status")
        return ProcessStatus(parsing: ProcessMemory.read(path, below: proc)).number("PPid")
    }
}
