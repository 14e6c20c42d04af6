internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Adds up what a place holds in memory: anonymous and shared pages of its processes, its tmpfs mounts, its System V
/// segments, and files that live in memory alone (memfd_create(2)).
///
/// Seen from outside, through descriptors of the place's own `/proc` and tmpfs roots. A page shared by several
/// processes counts for each of them, so the sum errs on the strict side. What it cannot see: a memory file that no
/// process maps and that only a process with closed descriptors holds (prctl(2) PR_SET_DUMPABLE, an executable that
/// cannot be read, a thread with descriptors of its own). Hence the record says `watched`, never `enforced`.
struct MemoryWatch: ~Copyable {
    private let processes: OwnedFileDescriptor
    private let tmpfs: [Int32]
    private let segments: OwnedFileDescriptor
    /// Looks so far: a round through the descriptors begins every fourth time, and every time when memory runs short.
    private var looks = 0
    private(set) var peak: UInt64 = 0
    private var files = MemoryFiles()
    private let members: PlaceMembers

    /// - Parameters:
    ///   - root: O_PATH descriptor of the place's root.
    ///   - targets: paths of the place's tmpfs mounts.
    ///   - sharedMemory: the place's `/proc/sysvipc/shm`.
    ///   - members: which processes of the place's `/proc` are the place's.
    /// - Throws: `Refusal` when one of them cannot be opened: a limit that is not watched is none.
    init(root: Int32, targets: [OSString], sharedMemory: consuming OwnedFileDescriptor, members: PlaceMembers)
        throws(Refusal)
    {
        let list = OwnedFileDescriptor(owning: try MemoryWatch.open(root, "/proc", UInt64(O_RDONLY)))
        var opened: [Int32] = []
        for target in targets {
            do throws(Refusal) {
                opened.append(try MemoryWatch.open(root, target, UInt64(CS_O_PATH)))
            } catch {
                for number in opened { _ = close(number) }
                throw error
            }
        }
        tmpfs = opened
        processes = list
        segments = sharedMemory
        self.members = members
    }

    deinit {
        for number in tmpfs { _ = close(number) }
    }

    /// Bytes in use now.
    ///
    /// - Parameter limit: above a quarter of it the look is thorough every time.
    /// - Returns: the sum.
    /// - Throws: `Refusal` when the list of processes cannot be read: a limit that is not watched is none.
    mutating func look(limit: UInt64) throws(Refusal) -> UInt64 {
        var sum: UInt64 = 0
        for number in tmpfs {
            let used = cs_filesystem_used(number)
            if used < 0 { throw MemoryWatch.refusal("tmpfs of the place", "fstatfs", Int32(-used)) }
            sum += UInt64(used)
        }
        sum += try segmentBytes()
        let thorough = looks % 4 == 0 || peak > limit / 4
        looks += 1
        var names: [OSString] = []
        var place = members.look(below: processes.number)
        try forEachProcess { name in
            guard place.contains(name) else { return }
            let found = ProcessMemory.look(at: name, below: processes.number)
            sum += found.bytes
            names.append(found.folder)
        }
        files.look(below: processes.number, processes: names, begins: thorough)
        sum += files.bytes
        peak = max(peak, sum)
        return sum
    }

    /// Resident bytes of all System V segments, attached or not: column `rss` of `/proc/sysvipc/shm` (sysvipc(7)).
    private func segmentBytes() throws(Refusal) -> UInt64 {
        if lseek(segments.number, 0, SEEK_SET) != 0 {
            throw MemoryWatch.refusal("/proc/sysvipc/shm of the place", "lseek", errno)
        }
        let text: [UInt8]
        do throws(SyscallError) {
            text = try FileReading.read(segments, named: "/proc/sysvipc/shm", limit: 4 << 20)
        } catch { throw MemoryWatch.refusal("/proc/sysvipc/shm of the place", error.call, error.errno) }
        var sum: UInt64 = 0
        for line in text.split(separator: 0x0A).dropFirst() {
            let fields = line.split(separator: 0x20)
            guard fields.count >= 15 else { continue }
            sum += fields[14].reduce(UInt64(0)) { $0 &* 10 &+ UInt64($1 &- 0x30) }
        }
        return sum
    }

    private func forEachProcess(_ body: (OSString) -> Void) throws(Refusal) {
        let copy = cs_openat2(processes.number, ".", UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY), 0, 0)
        guard copy >= 0 else { throw MemoryWatch.refusal("/proc of the place", "openat2", Int32(-copy)) }
        guard let folder = fdopendir(Int32(copy)) else {
            let code = errno
            _ = close(Int32(copy))
            throw MemoryWatch.refusal("/proc of the place", "fdopendir", code)
        }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = OSString(of: entry)
            guard let first = name.bytes.first, (0x31...0x39).contains(first) else { continue }
            body(name)
        }
    }

    static func open(_ root: Int32, _ path: OSString, _ flags: UInt64) throws(Refusal) -> Int32 {
        let text = path.bytes.map { CChar(bitPattern: $0) } + [0]
        let resolve = UInt64(CS_RESOLVE_IN_ROOT | CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let result = cs_openat2(root, text, flags | UInt64(CS_O_DIRECTORY), 0, resolve)
        if result < 0 { throw refusal(path.description, "openat2", Int32(-result)) }
        return Int32(result)
    }

    private static func refusal(_ subject: String, _ call: String, _ errno: Int32) -> Refusal {
        Refusal(
            stage: "verify",
            step: call,
            subject: subject,
            errno: errno,
            message: "the memory of the place cannot be watched",
            remedy: "run \(HostReport.command)",
            layer: .memory
        )
    }
}
