internal import CShims
public import SandboxPlan

/// Turns a plan into the flat bytes that pid 1 executes (`cs_wire.h`): a translation, no decisions.
public enum PlanLowering {
    /// The bytes of `struct cs_plan` and everything it points to; `filter` is the place's program.
    public static func lowered(_ plan: LaunchPlan, filter: SeccompProgram) -> [UInt8] {
        var writer = FlatWriter(reserving: MemoryLayout<cs_plan>.size)
        var steps = lowered(plan.steps[...], into: &writer)
        if let weaker = plan.weaker?.landlockOnly { PlanLowering.probe(weaker, &steps, &writer) }
        let rules = plan.landlock.rules.map { rule in
            let path = writer.string(rule.path)
            return cs_rule(
                path: path.offset,
                path_length: path.length,
                access: rule.access,
                device: rule.identity?.device ?? 0,
                inode: rule.identity?.inode ?? 0
            )
        }
        var header = cs_plan()
        header.magic = UInt64(CS_PLAN_MAGIC)
        header.step_count = UInt32(steps.count)
        header.steps = writer.append(steps)
        header.rule_count = UInt32(rules.count)
        header.rules = writer.append(rules)
        header.place_filter_count = UInt32(filter.instructions.count)
        header.place_filter = writer.append(filter.instructions)
        header.landlock_abi = plan.landlock.abi
        header.handled_filesystem = plan.landlock.handledFilesystem
        header.handled_network = plan.landlock.handledNetwork
        header.scoped = plan.landlock.scoped
        header.wall_ms = plan.limits.wall.milliseconds
        header.grace_ms = plan.limits.grace.milliseconds
        header.setup_ms = plan.limits.setUp.milliseconds
        header.total = UInt32(writer.bytes.count)
        writer.overwrite(header, at: 0)
        return writer.bytes
    }

    /// The same bytes as far as the common steps go: `strings_end` tells where their strings end.
    static func loweredFirstSteps(_ plan: LaunchPlan) -> [UInt8] {
        var writer = FlatWriter(reserving: MemoryLayout<cs_plan>.size)
        let steps = lowered(plan.steps[..<plan.commonSteps], into: &writer)
        var header = cs_plan()
        header.magic = UInt64(CS_PLAN_MAGIC)
        header.first_steps = 1
        header.strings_end = UInt32(writer.bytes.count)
        header.step_count = UInt32(steps.count)
        header.steps = writer.append(steps)
        header.rules = header.steps
        header.place_filter = header.steps
        header.total = UInt32(writer.bytes.count)
        writer.overwrite(header, at: 0)
        return writer.bytes
    }

    /// Without a place of its own the job has its probe objects in the launch's folder.
    private static func probe(_ weaker: LandlockOnlyProfile, _ steps: inout [cs_step], _ writer: inout FlatWriter) {
        for index in steps.indices where steps[index].op == CS_OP_LANDLOCK.rawValue {
            let folder = writer.string(weaker.probe)
            let file = writer.string(weaker.probe.appending("probe"))
            steps[index].path = folder.offset
            steps[index].path_length = folder.length
            steps[index].text = file.offset
            steps[index].text_length = file.length
        }
    }

    private static func lowered(_ all: ArraySlice<LaunchStep>, into writer: inout FlatWriter) -> [cs_step] {
        var steps: [cs_step] = []
        steps.reserveCapacity(all.count)
        // Targets of binds so far: below one of them somebody else may have put a link.
        var foreign: [OSString] = []
        for step in all {
            var lowered = lowered(step, into: &writer)
            if let path = step.target, !foreign.contains(where: { path.isWithin($0) }) {
                lowered.flags |= CS_STEP_OWN_TREE.rawValue
            }
            if case .bind(let bind) = step, bind.isDirectory { foreign.append(bind.target) }
            steps.append(lowered)
        }
        return steps
    }

    private static func lowered(_ step: LaunchStep, into writer: inout FlatWriter) -> cs_step {
        func make(
            _ op: cs_op,
            path: OSString = "",
            text: OSString = "",
            flags: UInt32 = 0,
            _ a: UInt64 = 0,
            _ b: UInt64 = 0,
            _ c: UInt64 = 0,
            _ d: UInt64 = 0
        ) -> cs_step {
            let path = writer.string(path)
            let text = writer.string(text)
            return cs_step(
                op: op.rawValue,
                flags: flags,
                path: path.offset,
                path_length: path.length,
                text: text.offset,
                text_length: text.length,
                a: a,
                b: b,
                c: c,
                d: d
            )
        }
        switch step {
        case .privatePropagation: return make(CS_OP_PRIVATE_PROPAGATION)
        case .newRoot(let size, let inodes): return make(CS_OP_NEW_ROOT, size.bytes, inodes)
        case .makeFolders(let path, let mode): return make(CS_OP_MAKE_FOLDERS, path: path, UInt64(mode))
        case .symlink(let path, let target): return make(CS_OP_SYMLINK, path: path, text: target)
        case .writeFile(let path, let contents, let mode):
            return make(CS_OP_WRITE_FILE, path: path, text: OSString(contents), UInt64(mode))
        case .bind(let bind):
            var flags: UInt32 = 0
            if bind.recursive { flags |= CS_STEP_RECURSIVE.rawValue }
            if bind.isDirectory { flags |= CS_STEP_DIRECTORY.rawValue }
            switch bind.origin {
            case .host: break
            case .idMapped: flags |= CS_STEP_DETACHED.rawValue
            case .place: flags |= CS_STEP_FROM_PLACE.rawValue
            }
            if bind.purpose == .anchor || bind.purpose == .protected { flags |= CS_STEP_SAME_TARGET.rawValue }
            if bind.purpose == .containerProc { flags |= CS_STEP_FOREIGN_PROC.rawValue }
            return make(
                CS_OP_BIND,
                path: bind.target,
                text: bind.source,
                flags: flags,
                bind.identity.device,
                bind.identity.inode,
                attributes(bind.options)
            )
        case .cover(let path, let cover):
            return make(CS_OP_COVER, path: path, text: source(of: cover, path), 0, 0, attributes(coverOptions(cover)))
        case .tmpfs(let path, let size, let inodes, let mode, let options):
            return make(CS_OP_TMPFS, path: path, size.bytes, inodes, attributes(options), UInt64(mode))
        case .procfs(let path): return make(CS_OP_PROCFS, path: path)
        case .rootOnly(let path): return make(CS_OP_ROOT_ONLY, path: path)
        case .devpts(let path): return make(CS_OP_DEVPTS, path: path)
        case .remount(let path, let options): return make(CS_OP_REMOUNT, path: path, 0, 0, attributes(options))
        case .enterRoot: return make(CS_OP_ENTER_ROOT)
        case .hostname(let name): return make(CS_OP_HOSTNAME, text: name)
        case .loopbackUp: return make(CS_OP_LOOPBACK_UP)
        case .forbidUserNamespaces:
            return make(CS_OP_FORBID_USER_NAMESPACES, path: "/proc/sys/user/max_user_namespaces")
        case .freshKeyring: return make(CS_OP_FRESH_KEYRING)
        case .limit(let limit): return make(CS_OP_RLIMIT, UInt64(limit.resource), limit.soft, limit.hard)
        case .attributes(let plan):
            return make(
                CS_OP_ATTRIBUTES,
                path: "/proc/self/oom_score_adj",
                text: OSString((0..<8).map { UInt8(truncatingIfNeeded: plan.resetSignals >> (8 * $0)) }),
                UInt64(plan.umask),
                UInt64(bitPattern: Int64(plan.nice)),
                UInt64(bitPattern: Int64(plan.oomScoreAdjustment)),
                plan.timerSlack
            )
        case .dropCapabilities(let last): return make(CS_OP_DROP_CAPABILITIES, UInt64(last))
        case .noNewPrivileges: return make(CS_OP_NO_NEW_PRIVILEGES)
        case .landlock: return make(CS_OP_LANDLOCK, path: "/.sandbox")
        case .placeFilter(let afterFirstProcess): return make(CS_OP_PLACE_FILTER, afterFirstProcess ? 1 : 0)
        case .terminals(let count, let keyboard):
            return make(CS_OP_TERMINALS, UInt64(count), keyboard ? 1 : 0)
        }
    }

    /// What a cover allows, the same for all: nothing to write, run or open a device through.
    static func coverOptions(_ cover: Cover) -> MountOptions {
        [.readOnly, .noSetuid, .noDevices, .noExecute]
    }

    static func source(of cover: Cover, _ path: OSString) -> OSString {
        switch cover {
        case .unreadableFile: "/.sandbox/file"
        case .unreadableFolder: "/.sandbox/folder"
        case .emptyFolder: "/.sandbox/empty"
        case .itselfReadOnly: path
        case .emptyFile: CoverFile.empty
        case .ownCommonFolder: CoverFile.commonFolder
        }
    }

    /// MOUNT_ATTR_* have the same numbers as `MountOptions` (mount_setattr(2)): RDONLY 1, NOSUID 2, NODEV 4, NOEXEC 8.
    private static func attributes(_ options: MountOptions) -> UInt64 { UInt64(options.rawValue) }
}

extension LaunchStep {
    /// The path in the new root that the step puts something on.
    fileprivate var target: OSString? {
        switch self {
        case .makeFolders(let path, _), .cover(let path, _), .tmpfs(let path, _, _, _, _), .procfs(let path),
            .devpts(let path):
            path
        case .bind(let bind): bind.target
        default: nil
        }
    }
}

/// Grows the flat bytes: strings with their NUL, tables aligned to eight bytes.
struct FlatWriter {
    private(set) var bytes: [UInt8]

    /// - Parameter header: bytes kept free at the start, followed by the empty string at offset `header`.
    init(reserving header: Int) {
        bytes = [UInt8](repeating: 0, count: (header + 8) & ~7)
        bytes.reserveCapacity(16384)
    }

    mutating func string(_ text: OSString) -> (offset: UInt32, length: UInt32) {
        let offset = bytes.count
        bytes += text.bytes
        bytes.append(0)
        return (UInt32(offset), UInt32(text.bytes.count))
    }

    mutating func append<Element: BitwiseCopyable>(_ elements: [Element]) -> UInt32 {
        while bytes.count % 8 != 0 { bytes.append(0) }
        let offset = bytes.count
        elements.withUnsafeBytes { bytes += $0 }
        return UInt32(offset)
    }

    mutating func overwrite<Element: BitwiseCopyable>(_ element: Element, at offset: Int) {
        withUnsafeBytes(of: element) { source in
            for (index, byte) in source.enumerated() { bytes[offset + index] = byte }
        }
    }

    /// Ends with a NUL, as the check of a spawn request wants it.
    mutating func terminate() {
        bytes.append(0)
    }
}
