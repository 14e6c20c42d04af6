import Glibc
import SandboxKernel
import SandboxPlan
import ServiceManager

/// When a process began, beside the times of files.
enum ProcessStart {
    /// Whether one of the files was changed since a process began, as far as that is known.
    static func isBehind(_ pid: Int32, _ files: [String]) -> Bool {
        let rate = Int64(sysconf(Int32(_SC_CLK_TCK)))
        guard rate > 0, let said = text("/proc/\(pid)/stat"), let ticks = ServerAge.startTicks(said) else {
            return false
        }
        // Both at one moment: the clock of processes goes on while the machine sleeps, as the time of day does.
        let (now, up) = (milliseconds(CLOCK_REALTIME), milliseconds(CLOCK_BOOTTIME))
        var written: [(seconds: Int64, nanoseconds: Int64)] = []
        for path in files {
            var target = stat()
            // What a link leads to is what is read, and a link that was switched leads to another file.
            if stat(path, &target) == 0 { written += changes(of: target) }
            written += links(path)
        }
        return ServerAge.isBehind(started: now - up + ticks * 1000 / rate, written: written, now: now)
    }

    /// Of every link on the way, of a folder too.
    private static func links(_ path: String) -> [(seconds: Int64, nanoseconds: Int64)] {
        var places: Set<OSString> = []
        for way in RealPath.way(of: OSString(path)) {
            var place = OSString("/")
            for name in way.components {
                place = place.appending(name)
                places.insert(place)
            }
        }
        return places.flatMap { place in
            var status = stat()
            guard CString.with(place, { lstat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFLNK else {
                return [(seconds: Int64, nanoseconds: Int64)]()
            }
            return changes(of: status)
        }
    }

    /// Of content and of the file itself: an older one that was moved to its place keeps the first.
    ///
    /// Both, not the later one: a time of content that is yet to come says nothing.
    private static func changes(of status: stat) -> [(seconds: Int64, nanoseconds: Int64)] {
        [status.st_mtim, status.st_ctim].map { (seconds: Int64($0.tv_sec), nanoseconds: Int64($0.tv_nsec)) }
    }

    /// A file of the kernel's, which says no length; one read(2) gives all of so short a one.
    private static func text(_ path: String) -> String? {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        defer { close(number) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(number, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    private static func milliseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
