internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The jobs of this user that run now.
///
/// Nothing is kept for this: a supervisor holds the file of its records open to append to it, which `/proc` shows, and the record that it
/// has written there says the rest. A process that is gone holds nothing, so nothing stale can show.
public enum RunningJobs {
    public struct Found: Sendable {
        /// The oldest supervisor first.
        public var jobs: [RunningJob] = []
        /// Files of records that could not be read, in sentences.
        public var problems: [String] = []
    }

    /// - Throws: `EvidenceError` when `/proc` cannot be listed.
    public static func find() throws(EvidenceError) -> Found {
        let processes: ProcessList
        do throws(SyscallError) {
            processes = try ProcessList.read()
        } catch {
            throw EvidenceError(
                action: "list the processes in",
                subject: OSString(error.subject),
                call: error.call,
                errno: error.errno,
                remedy: remedy(error)
            )
        }
        var found = Found()
        for pid in processes.own where pid != getpid() {
            for records in processes.recordFiles(of: pid) {
                do throws(EvidenceError) {
                    found.jobs += try jobs(of: pid, records, processes)
                } catch {
                    found.problems.append("\(error.message); \(error.remedy)")
                }
            }
        }
        return found
    }

    /// openat2(2) has no EPERM of its own for a folder that everybody may open: a filter answers it, or ENOSYS, or the kernel is old.
    private static func remedy(_ error: SyscallError) -> String {
        if error.call == MissingCall.openat2.rawValue, error.errno == ENOSYS || error.errno == EPERM {
            return MissingCall.openat2.remedy
        }
        return "see that /proc is mounted, and without hidepid for your own processes"
    }

    private static func jobs(
        of pid: Int32,
        _ records: OSString,
        _ processes: ProcessList
    ) throws(EvidenceError) -> [RunningJob] {
        let folder = records.parent
        guard let location = EvidenceLocation(stateFolder: folder.parent.parent, workspaceID: folder.lastComponent)
        else { return [] }
        let launches = try LaunchesOfSupervisor.read(location, pid)
        if launches.open.isEmpty {
            guard launches.ended == 0, processes.isLauncher(pid) else { return [] }
            return [RunningJob(state: .starting, supervisor: pid, records: records)]
        }
        // Of several jobs of one supervisor nobody can tell whose its processes are.
        let isOnly = launches.open.count == 1
        return launches.open.map { opening in
            let isPlace = opening["predicate"]?["plan"]?["confinement"]?.string != "landlock-only"
            let counted = isOnly ? processes.usage(below: pid, isPlace ? .place : .keeper) : nil
            let usage = GroupReading.usage(opening) ?? counted
            return RunningJob(
                state: .running,
                supervisor: pid,
                records: records,
                opening: opening,
                usage: usage
            )
        }
    }
}

/// What the cgroup of a recorded launch counts now.
enum GroupReading {
    /// Nil for a launch without one, and for a group that cannot be read.
    static func usage(_ opening: JSONValue) -> JobUsage? {
        guard let subtree = opening["predicate"]?["plan"]?["limits"]?["cgroup"]?["subtree"]?.string,
            let id = opening["predicate"]?["launchId"]?.string,
            let path = OSString(subtree).appending(OSString(Array(CgroupSubtree.leafPrefix.bytes) + Array(id.utf8)))
                .normalised, path.withCString({ cs_is_cgroup2($0) }) == 1
        else { return nil }
        func text(_ file: OSString) -> [UInt8]? {
            do throws(SyscallError) { return try FileReading.read(path.appending(file)) } catch { return nil }
        }
        func number(_ file: OSString) -> UInt64? {
            text(file).flatMap { bytes in
                var start = 0
                return KernelText.word(bytes, from: &start, to: bytes.count).flatMap {
                    KernelText.number(bytes, in: $0)
                }
            }
        }
        guard let time = text("cpu.stat") else { return nil }
        return JobUsage(
            measure: .cgroup,
            memory: number("memory.current").map { ByteCount(bytes: $0) },
            tasks: number("pids.current"),
            processorMicroseconds: KernelText.value("usage_usec", " ", in: time).flatMap {
                KernelText.number(time, in: $0)
            }
        )
    }
}
