internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// What one process has in memory, as `/proc` has it.
enum ProcessMemory {
    /// Bytes of its anonymous and shared pages (proc(5), `RssAnon` and `RssShmem`), and the folder of `/proc` to find its descriptors in.
    ///
    /// That is its own, or that of a thread: a process whose first thread has ended goes on with the others, but has neither memory
    /// nor descriptors in its own folder (its state is Z there).
    ///
    /// - Parameters:
    ///   - process: its number.
    ///   - proc: descriptor of a `/proc`.
    /// - Returns: 0 bytes for one that has ended meanwhile, which is no failure.
    static func look(at process: OSString, below proc: Int32) -> (bytes: UInt64, folder: OSString) {
        let status = read(process.appending("status"), below: proc)
        if let bytes = pages(of: status) { return (bytes, process) }
        if status.isEmpty { return (0, process) }
        let tasks = process.appending("task")
        for thread in numbers(in: tasks, below: proc) where thread != process {
            let folder = tasks.appending(thread)
            if let bytes = pages(of: read(folder.appending("status"), below: proc)) { return (bytes, folder) }
        }
        return (0, process)
    }

    /// The names in a folder that begin with a digit: processes, threads, descriptors.
    static func numbers(in path: OSString, below proc: Int32) -> [OSString] {
        let number = path.withPointer { cs_openat2(proc, $0, UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY), 0, 0) }
        guard number >= 0 else { return [] }  // ended meanwhile
        guard let folder = fdopendir(Int32(number)) else {
            _ = close(Int32(number))
            return []
        }
        defer { closedir(folder) }
        var names: [OSString] = []
        while let entry = readdir(folder) {
            let name = OSString(of: entry)
            guard let first = name.bytes.first, (0x30...0x39).contains(first) else { continue }
            names.append(name)
        }
        return names
    }

    /// Empty for a process that has ended between the list and the look.
    static func read(_ path: OSString, below proc: Int32) -> [UInt8] {
        do throws(SyscallError) {
            return try FileReading.read(path, below: proc)
        } catch {
            return []
        }
    }

    /// Nil where the text has no such lines: of a thread that has ended, and of one of the kernel's.
    private static func pages(of status: [UInt8]) -> UInt64? {
        var sum: UInt64?
        for line in status.split(separator: 0x0A)
        where line.starts(with: "RssAnon:".utf8) || line.starts(with: "RssShmem:".utf8) {
            let digits = line.filter { (0x30...0x39).contains($0) }
            sum = (sum ?? 0) + digits.reduce(UInt64(0)) { $0 &* 10 &+ UInt64($1 - 0x30) } << 10
        }
        return sum
    }
}
