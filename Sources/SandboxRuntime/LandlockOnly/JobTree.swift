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
        let names = below(keeper)
        for name in names { sum += JobTree.pages(of: read(name.appending("status"))) }
        files.look(below: processes, processes: names, begins: looks % 4 == 0 || peak > limit / 4)
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
        var found: [OSString] = []
        let tasks = process.appending("task")
        let number = tasks.withPointer { cs_openat2(processes, $0, UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY), 0, 0) }
        guard number >= 0 else { return [] }  // ended meanwhile
        guard let folder = fdopendir(Int32(number)) else {
            _ = close(Int32(number))
            return []
        }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { OSString($0.prefix { $0 != 0 }) }
            guard let first = name.bytes.first, (0x30...0x39).contains(first) else { continue }
            let text = read(tasks.appending(name).appending("children"))
            found += text.split(separator: 0x20).map { OSString($0) }
        }
        return found
    }

    /// Empty for a process that has ended between the list and the look.
    private func read(_ path: OSString) -> [UInt8] {
        do throws(SyscallError) {
            return try FileReading.read(path, below: processes)
        } catch {
            return []
        }
    }

    private static func pages(of status: [UInt8]) -> UInt64 {
        var sum: UInt64 = 0
        for line in status.split(separator: 0x0A)
        where line.starts(with: "RssAnon:".utf8) || line.starts(with: "RssShmem:".utf8) {
            let digits = line.filter { (0x30...0x39).contains($0) }
            sum += digits.reduce(UInt64(0)) { $0 &* 10 &+ UInt64($1 - 0x30) } << 10
        }
        return sum
    }
}
