internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The processes of a job without a pid namespace: whatever is below its keeper, which adopts the orphans.
///
/// A list that was read while the job forks may miss what came meanwhile; the next look has it. Hence `watched`.
struct JobTree {
    let keeper: Int32
    private let processes: Int32
    private var files = MemoryFiles()
    private var looks = 0
    private(set) var peak: UInt64 = 0

    /// - Parameters:
    ///   - keeper: not reaped as long as this is used.
    ///   - processes: O_PATH descriptor of /proc; open as long as this is used.
    init(keeper: Int32, processes: Int32) {
        self.keeper = keeper
        self.processes = processes
    }

    /// Bytes of anonymous and shared pages of all of them, and of their files in memory alone, now.
    ///
    /// - Parameter limit: above a quarter of it the look is thorough every time.
    /// - Returns: the sum.
    mutating func look(limit: UInt64) -> UInt64 {
        var sum: UInt64 = 0
        var folders: [OSString] = []
        for name in below(keeper) {
            let found = ProcessMemory.look(at: name, below: processes)
            sum += found.bytes
            folders.append(found.folder)
        }
        files.look(below: processes, processes: folders, begins: looks % 4 == 0 || peak > limit / 4)
        looks += 1
        sum += files.bytes
        peak = max(peak, sum)
        return sum
    }

    /// Numbers of all processes below one, itself left out.
    private func below(_ first: Int32) -> [OSString] {
        var found: [OSString] = []
        var open = children(of: OSString("\(first)"))
        // The kernel has no more than pid_max of them.
        while let next = open.popLast(), found.count < 4_194_304 {
            found.append(next)
            open += children(of: next)
        }
        return found
    }

    /// Of every thread of it: each has children of its own (proc(5), `/proc/PID/task/TID/children`).
    private func children(of process: OSString) -> [OSString] {
        let tasks = process.appending("task")
        return ProcessMemory.numbers(in: tasks, below: processes).flatMap { thread in
            ProcessMemory.read(tasks.appending(thread).appending("children"), below: processes).split(separator: 0x20)
                .map { OSString($0) }
        }
    }
}
