import Glibc
import Synchronization
import Workspaces

/// Gives memory that nobody uses back to the kernel, which the allocator keeps for as long as a process lives.
///
/// Each of many threads, as jobs and answers have them, leaves what was freed in an arena of its own (mallopt(3), M_ARENA_MAX); only
/// malloc_trim(3) empties those.
final class MemoryReturn: Sendable {
    private let orchestrator: Orchestrator
    private let isOver = Atomic<Bool>(false)

    /// Seconds between two looks at a server at rest, and at one that works: the arenas are locked meanwhile.
    private static let looks = (atRest: 2.0, atWork: 60.0)
    /// In bytes of what the allocator keeps: for less it is not worth it.
    private static let growth = 512 << 10
    /// In microseconds.
    private static let pace: UInt32 = 200_000

    init(_ orchestrator: Orchestrator) { self.orchestrator = orchestrator }

    func end() { isOver.store(true, ordering: .releasing) }

    func start() throws(ServeError) {
        try OwnThread.start("that gives memory back") { [self] in
            var last = ContinuousClock.now
            var lastWork = last
            var kept = 0
            var hasWorked = true
            while !isOver.load(ordering: .acquiring) {
                usleep(MemoryReturn.pace)
                let load = orchestrator.load
                let now = ContinuousClock.now
                let isAtRest = load.running + load.waiting == 0
                if !isAtRest { (hasWorked, lastWork) = (true, now) }
                let interval = Duration.seconds(isAtRest ? MemoryReturn.looks.atRest : MemoryReturn.looks.atWork)
                guard now - last >= interval else { continue }
                last = now
                guard let idle = MemoryReturn.idle else { continue }
                guard hasWorked && isAtRest || idle > kept + MemoryReturn.growth else { continue }
                // The threads of the last jobs, and who answers for them, free theirs a little later: one more look then.
                if isAtRest && now - lastWork >= interval { hasWorked = false }
                if isAtRest { orchestrator.releaseMemory() } else { ProcessMemory.giveBack() }
                kept = MemoryReturn.idle ?? idle
            }
        }
    }

    /// What is resident and not in use, in bytes: the programs' own pages, and what the allocator keeps.
    ///
    /// Unlike what is resident it grows when something is freed: what an answer needed at one look, and has left at the next, is found.
    private static var idle: Int? { resident.map { $0 - ProcessMemory.inUse } }

    /// In bytes (proc(5), /proc/self/statm); nil where that cannot be read.
    private static var resident: Int? {
        let number = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        defer { close(number) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(number, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let words = bytes[..<count].split(separator: UInt8(ascii: " "))
        guard words.count > 1, let pages = Int(String(decoding: words[1], as: UTF8.self)) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
