internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Watches what a workspace holds, for a limit that no file system is asked to keep (quotas are root's to set).
///
/// The file system's own count of used blocks and inodes costs two calls, and is looked at often; it counts everybody's files. So it only says
/// when to count the workspace's own (`FolderSum`), and between two counts what it may have grown by at most, as long as nobody else
/// frees room meanwhile: for that it is counted now and then in any case. Counting takes turns with the rest of the supervisor's
/// work, and a part of its time. Hence the record says `watched`, never `enforced`.
final class WorkspaceWatch {
    enum Look {
        case exceeded(used: UInt64)
        /// Nanoseconds until the next look.
        case again(Int64)
    }

    let limit: ByteCount
    /// The last whole count, in bytes.
    private(set) var bytes: UInt64
    /// Whole counts so far.
    private(set) var counts = 1
    private let top: OwnedFileDescriptor
    private let processes: OwnedFileDescriptor
    private let members: PlaceMembers
    private let identity: cs_identity
    private let atFirst: (bytes: UInt64, used: Used)
    /// The file system's counts when the last count of ours began.
    private var then: Used
    private var count: Count?
    private var countedAt: Int64
    /// Nanoseconds that the last count took, others' turns included.
    private var lasted: Int64

    private struct Count {
        var sum: FolderSum
        var began: Int64
        var used: Used
    }

    /// What everybody uses of the file system.
    private struct Used {
        var bytes: UInt64
        var files: UInt64

        /// What a folder can have grown by since, as it is counted: an empty file takes no block.
        func growth(since earlier: Used) -> UInt64 {
            let files = files > earlier.files ? files - earlier.files : 0
            return growthOfBlocks(since: earlier) &+ files &* FolderSum.least
        }

        func growthOfBlocks(since earlier: Used) -> UInt64 { bytes > earlier.bytes ? bytes - earlier.bytes : 0 }
    }

    /// Entries between two looks at everything else: some milliseconds.
    private static let piece = 2048
    /// Growth that no walk has found, in bytes, before open files without a name are looked for.
    private static let unexplained: UInt64 = 4 << 20

    /// Counts what is there; what is too much already is refused, and nothing runs.
    ///
    /// - Parameters:
    ///   - plan: nil for no limit.
    ///   - root: O_PATH descriptor of the place's root.
    ///   - members: which processes of the place's `/proc` are the place's.
    /// - Throws: `Refusal` where it cannot be counted, is another folder than was planned with, or holds too much.
    init?(_ plan: WorkspaceLimit?, root: Int32, members: PlaceMembers) throws(Refusal) {
        guard let plan else { return nil }
        limit = plan.most
        self.members = members
        do throws(SyscallError) {
            top = try FileReading.folder(plan.path, followingLinks: false)
        } catch { throw WorkspaceWatch.refusal(plan.path, error.call, error.errno) }
        processes = OwnedFileDescriptor(owning: try MemoryWatch.open(root, "/proc", UInt64(CS_O_PATH)))
        var found = cs_identity()
        let identified = cs_identify(top.number, "", &found)
        guard identified == 0 else { throw WorkspaceWatch.refusal(plan.path, "statx", Int32(-identified)) }
        guard found.device == plan.identity.device, found.inode == plan.identity.inode else {
            throw WorkspaceWatch.refusal(plan.path, "statx", ESTALE)
        }
        identity = found
        let used = try WorkspaceWatch.used(top.number, plan.path)
        let began = cs_monotonic()
        let sum = FolderSum(top.number, mount: found.mount)
        while !sum.step(most: Int.max, limit: limit.bytes) {}
        bytes = sum.bytes
        countedAt = cs_monotonic()
        lasted = countedAt - began
        then = used
        atFirst = (sum.bytes, used)
        if sum.bytes > limit.bytes {
            throw Refusal(
                stage: "place",
                subject: plan.path.description,
                message: "the workspace holds more than the \(limit) that limits.workspace lets it",
                remedy: "delete what is not needed there, or give the policy a higher limits.workspace"
            )
        }
    }

    /// One look, and a piece of a count where one is under way.
    ///
    /// - Throws: `Refusal` when the file system cannot be asked any more: a limit that is not watched is none.
    func look() throws(Refusal) -> Look {
        let now = cs_monotonic()
        let used = try WorkspaceWatch.used(top.number, "the workspace")
        if let count {
            let isDone = count.sum.step(most: WorkspaceWatch.piece, limit: limit.bytes)
            guard isDone else { return .again(0) }
            self.count = nil
            finish(count, used)
            if bytes > limit.bytes { return .exceeded(used: bytes) }
            return .again(10_000_000)
        }
        let most = bytes &+ used.growth(since: then)
        // A twentieth of the time at most where nothing is to be seen, a third where something is.
        let quiet = countedAt + max(1_000_000_000, 20 * lasted)
        let busy = countedAt + max(20_000_000, 2 * lasted)
        if now >= quiet || most > limit.bytes && now >= busy {
            count = Count(sum: FolderSum(top.number, mount: identity.mount), began: now, used: used)
            return .again(0)
        }
        return .again(most > limit.bytes / 2 ? 10_000_000 : 50_000_000)
    }

    private func finish(_ count: Count, _ used: Used) {
        var found = count.sum.bytes
        let grown = used.growthOfBlocks(since: atFirst.used)
        let explained = found > atFirst.bytes ? found - atFirst.bytes : 0
        if grown > explained, grown - explained > WorkspaceWatch.unexplained,
            found &+ (grown - explained) > limit.bytes
        {
            // Where there is too much to look at, all of it counts: nobody hides behind a heap of descriptors.
            found &+= DeletedFiles.bytes(below: processes.number, of: members, on: identity.device) ?? grown - explained
        }
        // In a folder that is closed to us anything may have grown: then the file system's own count is what there is to go by.
        if count.sum.closed > 0 { found = max(found, atFirst.bytes &+ grown) }
        bytes = found
        counts += 1
        then = count.used
        countedAt = cs_monotonic()
        lasted = countedAt - count.began
    }

    /// Used blocks and inodes of the file system (statfs(2)).
    private static func used(_ folder: Int32, _ path: OSString) throws(Refusal) -> Used {
        let bytes = cs_filesystem_used(folder)
        if bytes < 0 { throw refusal(path, "fstatfs", Int32(-bytes)) }
        let files = cs_filesystem_files(folder)
        if files < 0 { throw refusal(path, "fstatfs", Int32(-files)) }
        return Used(bytes: UInt64(bytes), files: UInt64(files))
    }

    private static func refusal(_ path: OSString, _ call: String, _ errno: Int32) -> Refusal {
        Refusal(
            stage: "place",
            step: call,
            subject: path.description,
            errno: errno,
            message: "what the workspace holds cannot be counted, and limits.workspace limits it",
            remedy: "see who changes the folder, or take limits.workspace out of the policy"
        )
    }
}
