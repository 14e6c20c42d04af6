internal import CShims
internal import Glibc
public import SandboxPlan

/// Gathers `HostFacts`: only what a plan needs, and nothing by trying.
///
/// The launch itself is the trial.
public enum HostProbe {
    /// - Parameters:
    ///   - pins: every path of `PathInventory`, looked at already.
    ///   - gitUser: from the caller's git settings.
    ///   - hostNetwork: whether the resolver's settings are needed.
    /// - Returns: the facts, as values.
    /// - Throws: `SyscallError` when the kernel's own files cannot be read: nothing can be planned then.
    public static func facts(
        pins: borrowing PinnedPaths,
        gitUser: GitUser,
        hostNetwork: Bool
    ) throws(SyscallError) -> HostFacts {
        let abi = cs_landlock_abi()
        // ENOSYS: not built; EOPNOTSUPP: built, not in lsm=. Anything else is no answer. landlock_create_ruleset(2).
        guard abi >= 0 || abi == -ENOSYS || abi == -EOPNOTSUPP else {
            throw SyscallError(call: "landlock_create_ruleset", subject: "version", errno: -abi)
        }
        let lastCapability = try checkedKernel("prctl", on: "PR_CAPBSET_READ") { cs_last_capability() }
        var system = utsname()
        try checked("uname") { uname(&system) }
        let caller = try caller()
        let core = caller.rlimits.first { $0.resource == 4 }
        let release = withUnsafeBytes(of: system.release) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        let pattern =
            corePatternMatters(release: release, hardLimit: core?.hard)
            ? try FileReading.read("/proc/sys/kernel/core_pattern").first : nil
        var facts = HostFacts(
            kernelRelease: release,
            bootID: "",
            landlockABI: UInt32(max(abi, 0)),
            memoryTotal: try memoryTotal(),
            lastCapability: UInt32(lastCapability),
            caller: caller,
            entries: pins.entries,
            gitUser: gitUser,
            resolverSettings: [],
            corePatternIsPipe: core?.hard == 0 && pattern == UInt8(ascii: "|")
        )
        if hostNetwork { (facts.resolverSettings, facts.resolverPath) = try resolver() }
        facts.rootOnly = pins.rootOnly
        facts.corePatternIsSocket = pattern == UInt8(ascii: "@")
        return facts
    }

    /// What `/etc/resolv.conf` leads to, and where that lies: of one and the same file, which others may replace at any moment.
    ///
    /// Nothing where it leads to none: the C library goes by its defaults then (resolv.conf(5)), in the place as on the host.
    private static func resolver() throws(SyscallError) -> (settings: [UInt8], path: OSString) {
        let name: OSString = "/etc/resolv.conf"
        for _ in 0..<100 {
            let file: OwnedFileDescriptor
            do throws(SyscallError) { file = try FileReading.open(name) } catch {
                if error.errno == ENOENT { return ([], name) }
                throw error
            }
            let settings = try FileReading.read(file, named: name, limit: 1 << 16)
            var opened = cs_identity()
            guard cs_identify(file.number, "", &opened) == 0 else { continue }
            for path in try resolverNames(name) {
                var there = cs_identity()
                guard path.withCString({ cs_identify(AT_FDCWD, $0, &there) }) == 0 else { continue }
                if opened.device == there.device && opened.inode == there.inode { return (settings, path) }
            }
        }
        throw SyscallError(call: "openat2", subject: name.description, errno: EBUSY)
    }

    /// Where the name leads.
    ///
    /// A file that is mounted there, and was replaced since where it comes from, the kernel calls deleted for good (d_path in
    /// fs/d_path.c), although it is there by its name.
    private static func resolverNames(_ name: OSString) throws(SyscallError) -> [OSString] {
        let path = try RealPath.of(name)
        let mark = " (deleted)"
        guard path.bytes.suffix(mark.utf8.count).elementsEqual(mark.utf8) else { return [path] }
        return [path, OSString(path.bytes.dropLast(mark.utf8.count))]
    }

    /// Whether a plan depends on where core dumps go: a limit of 1, which a hard limit of 0 does not allow, stops all of
    /// them but those into a socket, which Linux has since 6.16 (core(5)).
    static func corePatternMatters(release: String, hardLimit: UInt64?) -> Bool {
        guard hardLimit != 0, let version = HostDiagnosis.version(release) else { return true }
        return version >= (6, 16)
    }

    /// The caller's supplementary groups, as the kernel lists them.
    public static func groups() -> [UInt32] {
        let count = getgroups(0, nil)
        guard count > 0 else { return [] }
        var groups = [gid_t](repeating: 0, count: Int(count))
        let found = getgroups(count, &groups)
        return Array(groups.prefix(Int(max(found, 0)))).sorted()
    }

    private static func memoryTotal() throws(SyscallError) -> ByteCount {
        ByteCount(bytes: UInt64(try checkedKernel("sysinfo") { Int(cs_memory_total()) }))
    }

    private static func caller() throws(SyscallError) -> Caller {
        let status = ProcessStatus(parsing: try FileReading.read("/proc/self/status"))
        guard let ignored = status.mask("SigIgn"), let filters = status.number("Seccomp_filters"),
            let groups = status.numbers("Groups"), groups.allSatisfy({ $0 <= UInt64(UInt32.max) })
        else {
            throw SyscallError(call: "read", subject: "/proc/self/status", errno: EBADMSG)
        }
        let account = try Accounts.account(uid: geteuid())
        var nice: Int32 = 0
        try checkedKernel("getpriority") { cs_nice(0, &nice) }
        let score = try FileReading.read("/proc/self/oom_score_adj")
        guard let adjustment = Int32(String(decoding: score, as: UTF8.self).filter { !$0.isWhitespace }) else {
            throw SyscallError(call: "read", subject: "/proc/self/oom_score_adj", errno: EBADMSG)
        }
        return Caller(
            uid: geteuid(),
            gid: getegid(),
            groups: groups.map { UInt32(truncatingIfNeeded: $0) },
            userName: account?.name ?? "",
            home: account?.home ?? "",
            nice: nice,
            oomScoreAdjustment: adjustment,
            ignoredSignals: ignored,
            seccompFilters: UInt32(filters),
            rlimits: try rlimits()
        )
    }

    private static func rlimits() throws(SyscallError) -> [RLimit] {
        var limits: [RLimit] = []
        for resource in Int32(0)..<16 {
            var value = rlimit()
            try checked("getrlimit", on: "\(resource)") {
                getrlimit(__rlimit_resource_t(UInt32(resource)), &value)
            }
            limits.append(RLimit(resource: resource, soft: UInt64(value.rlim_cur), hard: UInt64(value.rlim_max)))
        }
        return limits
    }
}
