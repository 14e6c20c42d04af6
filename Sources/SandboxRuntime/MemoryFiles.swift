internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Files without a name in any file system, held open by processes of the place (memfd_create(2)): each counted once.
///
/// A job can have millions of descriptors. So one look goes through a bounded number and the next one goes on from there: the
/// supervisor has signals, limits and streams to see to meanwhile.
struct MemoryFiles {
    /// The last sum that is whole, or the one that is being made once it is larger.
    private(set) var bytes: UInt64 = 0
    private var sum: UInt64 = 0
    private var seen: Set<UInt64> = []
    private var pending: [OSString] = []

    /// Some milliseconds; what is left over in one process is not left for later.
    private static let most = 8192

    /// - Parameters:
    ///   - proc: descriptor of the place's `/proc`.
    ///   - processes: their folders there, or of a thread of each (`ProcessMemory.look`).
    ///   - begins: whether to begin anew when the last round is over.
    mutating func look(below proc: Int32, processes: [OSString], begins: Bool) {
        if pending.isEmpty {
            guard begins else { return }
            pending = processes
            sum = 0
            seen = []
        }
        var left = MemoryFiles.most
        while left > 0, let process = pending.popLast() { left -= add(below: proc, process: process) }
        bytes = pending.isEmpty ? sum : max(bytes, sum)
    }

    /// The number of descriptors that were looked at.
    private mutating func add(below proc: Int32, process: OSString) -> Int {
        let path = process.appending("fd")
        let number = path.withPointer { cs_openat2(proc, $0, UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY), 0, 0) }
        guard number >= 0 else { return 1 }  // ended, or closed to us: see MemoryWatch
        guard let folder = fdopendir(Int32(number)) else {
            _ = close(Int32(number))
            return 1
        }
        defer { closedir(folder) }
        var count = 1
        while let entry = readdir(folder) {
            let name = OSString(of: entry)
            guard let first = name.bytes.first, (0x30...0x39).contains(first) else { continue }
            add(name, in: Int32(number))
            count += 1
        }
        return count
    }

    private mutating func add(_ name: OSString, in folder: Int32) {
        do throws(SyscallError) {
            guard try FileReading.link(name, below: folder).bytes.starts(with: "/memfd:".utf8) else { return }
        } catch {
            return  // closed meanwhile
        }
        var found = cs_identity()
        guard name.withPointer({ cs_identify_following(folder, $0, &found) }) == 0,
            seen.insert(found.inode).inserted
        else { return }
        sum += found.allocated
    }
}
