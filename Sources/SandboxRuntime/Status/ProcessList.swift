internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The processes of this host as `/proc` lists them now.
struct ProcessList {
    /// Those of the effective user in our own user and pid namespaces and below no keeper, in the order of their numbers: a job has
    /// that user too, and could hold open whatever it likes.
    private(set) var own: [Int32] = []
    /// Those that are called as the keeper of a job in the profile `landlock-only` is.
    private var keepers: Set<Int32> = []
    /// Every process by its parent.
    private var children: [Int32: [Int32]] = [:]
    private var parents: [Int32: Int32] = [:]
    /// CPU time in microseconds, of the process and of those it has waited for.
    private var processorTime: [Int32: UInt64] = [:]

    /// - Throws: `SyscallError` when the folder cannot be listed.
    static func read() throws(SyscallError) -> ProcessList {
        var list = ProcessList()
        var all: [Int32] = []
        let folder = try FileReading.open("/proc")
        try FolderEntries.each(in: folder.number, named: "/proc") { (entry) throws(SyscallError) in
            if let name = entry.copy.utf8, let pid = Int32(name), pid > 0 { all.append(pid) }
            return true
        }
        for pid in all.sorted() { list.add(pid) }
        list.own.removeAll(where: list.mayBeOfJob)
        return list
    }

    /// A process that has ended meanwhile is none.
    private mutating func add(_ pid: Int32) {
        var status = stat()
        guard lstat("/proc/\(pid)", &status) == 0 else { return }
        if status.st_uid == geteuid(), ProcessList.namespaces.allSatisfy({ isInOurs($0, pid) }) { own.append(pid) }
        guard let bytes = ProcessList.file(pid, "stat"), let end = bytes.lastIndex(of: UInt8(ascii: ")")) else {
            return
        }
        if bytes[..<end].elementsEqual(Array("\(pid) (".utf8) + ProcessList.keeperName) { keepers.insert(pid) }
        // Behind the name: state 3, parent 4, and the times 14 to 17 in ticks of a hundredth (proc_pid_stat(5)).
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
        func number(_ field: Int) -> UInt64 {
            fields.count > field - 3 ? UInt64(String(decoding: fields[field - 3], as: UTF8.self)) ?? 0 : 0
        }
        let parent = Int32(clamping: number(4))
        children[parent, default: []].append(pid)
        parents[pid] = parent
        processorTime[pid] = (14...17).reduce(UInt64(0)) { $0 + number($1) } * 10_000
    }

    /// Whether a keeper stands above it, or whoever stands there has ended meanwhile, and nobody knows.
    private func mayBeOfJob(_ process: Int32) -> Bool {
        var (process, seen): (Int32, Set<Int32>) = (process, [])
        while let parent = parents[process], seen.insert(process).inserted {
            if parent == 0 { return false }
            if keepers.contains(parent) { return true }
            process = parent
        }
        return true
    }

    private static let namespaces: [OSString] = ["ns/user", "ns/pid"]

    private func isInOurs(_ namespace: OSString, _ pid: Int32) -> Bool {
        do throws(SyscallError) {
            let theirs = try FileReading.link(OSString("/proc/\(pid)").appending(namespace))
            return try FileReading.link(OSString("/proc/self").appending(namespace)) == theirs
        } catch {
            return false  // it has ended, or is closed to us: then it is no supervisor that we could know of
        }
    }

    /// Files of records that the process has open to append to, each once: who only reads one, as `evidence verify` and a backup do,
    /// supervises nothing.
    func recordFiles(of pid: Int32) -> [OSString] {
        var found: [OSString] = []
        let path = OSString("/proc/\(pid)/fd")
        do throws(SyscallError) {
            let folder = try FileReading.open(path)
            try FolderEntries.each(in: folder.number, named: path) { (entry) throws(SyscallError) in
                let number = entry.copy
                if let file = ProcessList.records(path.appending(number)), !found.contains(file),
                    ProcessList.isAppending(pid, number)
                {
                    found.append(file)
                }
                return true
            }
        } catch {}  // it has ended, or is closed to us: then it is no supervisor that we could know of
        return found
    }

    /// `STATE/evidence/ID/records.jsonl`; one that `gc` has replaced meanwhile is looked for where it was.
    private static func records(_ link: OSString) -> OSString? {
        var target: OSString
        do throws(SyscallError) { target = try FileReading.link(link) } catch { return nil }
        let removed = Array(" (deleted)".utf8)
        if target.bytes.suffix(removed.count).elementsEqual(removed) {
            target = OSString(target.bytes.dropLast(removed.count))
        }
        let folder = target.parent
        guard target.isAbsolute, target.lastComponent == EvidenceLocation.fileName,
            folder.parent.lastComponent == EvidenceLocation.folderName
        else { return nil }
        return target
    }

    /// Whether that descriptor is one to append with (proc_pid_fdinfo(5): the flags are octal).
    private static func isAppending(_ pid: Int32, _ descriptor: OSString) -> Bool {
        guard let text = file(pid, OSString("fdinfo").appending(descriptor)),
            let word = KernelText.value("flags", ":", in: text),
            let flags = KernelText.number(text, in: word, radix: 8)
        else { return false }
        return flags & UInt64(O_ACCMODE) != UInt64(O_RDONLY) && flags & UInt64(O_APPEND) != 0
    }

    /// Whether it is `codex-sandbox run`, and not what it has started.
    ///
    /// What it has forked has its command line, and the file of the records open, until an execve(2) that may have to wait.
    func isLauncher(_ pid: Int32) -> Bool {
        // The state first: whoever has executed by then has a command line of its own.
        guard let state = ProcessList.file(pid, "stat"), ProcessList.hasExecuted(state),
            let line = ProcessList.file(pid, "cmdline")
        else { return false }
        let words = line.split(separator: 0, omittingEmptySubsequences: false)
        guard words.count > 2, words[1].elementsEqual("run".utf8) else { return false }
        return OSString(words[0]).lastComponent == "codex-sandbox"
    }

    /// Whether the process of this `/proc/PID/stat` has executed something since it was forked; no where that does not say it.
    static func hasExecuted(_ state: [UInt8]) -> Bool {
        guard let end = state.lastIndex(of: UInt8(ascii: ")")) else { return false }
        // Behind the name: state 3, and the flags 9 (proc_pid_stat(5)).
        let fields = state[(end + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 9 - 3, let flags = UInt64(String(decoding: fields[9 - 3], as: UTF8.self)) else {
            return false
        }
        // PF_FORKNOEXEC.
        return flags & 0x40 == 0
    }

    /// How the processes of a job are told from others below its supervisor.
    enum Kind {
        /// They are in another pid namespace than the supervisor.
        case place
        /// The profile `landlock-only`: its keeper and whatever descends from it; orphans of a job become the keeper's.
        case keeper
    }

    /// What it calls itself (CShims/landlock_only.c).
    ///
    /// A process of a job may do so, too, but none becomes a child of the supervisor's while there is a keeper.
    private static let keeperName = Array("codex-keeper".utf8)

    /// The processes of the jobs that this one supervises; nil where none is seen.
    func usage(below supervisor: Int32, _ kind: Kind) -> JobUsage? {
        var usage = (memory: UInt64(0), tasks: UInt64(0), time: UInt64(0), isSeen: false)
        let first = (children[supervisor] ?? []).filter { kind == .place || keepers.contains($0) }
        for pid in first + descendants(of: Set(first)) {
            guard let bytes = ProcessList.file(pid, "status") else { continue }
            let status = ProcessStatus(parsing: bytes)
            guard kind == .keeper || (status.numbers("NSpid")?.count ?? 0) > 1 else { continue }
            usage.isSeen = true
            // In KiB; of a process that is ending they are absent.
            usage.memory += ((status.number("RssAnon") ?? 0) + (status.number("RssShmem") ?? 0)) << 10
            usage.tasks += status.number("Threads") ?? 1
            usage.time += processorTime[pid] ?? 0
        }
        guard usage.isSeen else { return nil }
        return JobUsage(
            measure: .processes,
            memory: ByteCount(bytes: usage.memory),
            tasks: usage.tasks,
            processorMicroseconds: usage.time
        )
    }

    /// Whatever stands below one of them, each once; the list was read in pieces, and may have a number twice.
    private func descendants(of processes: Set<Int32>) -> [Int32] {
        var (found, seen): ([Int32], Set<Int32>) = ([], processes)
        var waiting = processes.flatMap { children[$0] ?? [] }
        while let pid = waiting.popLast() {
            guard seen.insert(pid).inserted else { continue }
            found.append(pid)
            waiting += children[pid] ?? []
        }
        return found
    }

    private static func file(_ pid: Int32, _ name: OSString) -> [UInt8]? {
        do throws(SyscallError) {
            return try FileReading.read(OSString("/proc/\(pid)").appending(name))
        } catch {
            return nil
        }
    }
}
