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
    /// In bytes of what is in use, at rest: a thread that ends some seconds after its last answer frees little, but each small
    /// piece had kept a whole page from being given back.
    private static let freed = 4 << 10
    /// In microseconds.
    private static let pace: UInt32 = 200_000

    init(_ orchestrator: Orchestrator) { self.orchestrator = orchestrator }

    func end() { isOver.store(true, ordering: .releasing) }

    func start() throws(ServeError) {
        try OwnThread.start("that gives memory back") { [self] in
            var last = ContinuousClock.now
            var closed = last
            var kept = Amounts(resident: 0, inUse: 0)
            var hasWorked = true
            while !isOver.load(ordering: .acquiring) {
                usleep(MemoryReturn.pace)
                let load = orchestrator.load
                let now = ContinuousClock.now
                let isAtRest = load.running + load.waiting == 0
                if !isAtRest { hasWorked = true }
                if now - closed >= .seconds(MemoryReturn.looks.atRest) {
                    closed = now
                    orchestrator.letGoStale()
                }
                guard now - last >= .seconds(isAtRest ? MemoryReturn.looks.atRest : MemoryReturn.looks.atWork) else {
                    continue
                }
                last = now
                guard let found = MemoryReturn.amounts else { continue }
                let isDue =
                    isAtRest
                    ? hasWorked || found.inUse + MemoryReturn.freed <= kept.inUse || found.grew(since: kept)
                    : found.grew(since: kept)
                guard isDue else { continue }
                if isAtRest { hasWorked = false }
                if isAtRest { orchestrator.releaseMemory() } else { ProcessMemory.giveBack() }
                kept = MemoryReturn.amounts ?? found
            }
        }
    }

    /// In bytes.
    private struct Amounts {
        var resident: Int
        /// Allocated and not freed.
        var inUse: Int

        /// Whether the allocator keeps more: unlike what is resident this grows when something is freed, so that what an answer
        /// needed at one look, and has left at the next, is found.
        func grew(since kept: Amounts) -> Bool {
            resident - inUse > kept.resident - kept.inUse + MemoryReturn.growth
        }
    }

    private static var amounts: Amounts? { resident.map { Amounts(resident: $0, inUse: ProcessMemory.inUse) } }

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
