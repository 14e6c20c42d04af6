internal import CShims
internal import Glibc
public import SandboxPlan

/// All that doctor knows of the host, gathered once; what it means is said by `HostDiagnosis`.
public struct DoctorFacts: Hashable, Sendable {
    public var kernelRelease = ""
    public var machine = ""
    public var identity: ProbeIdentity
    public var probes: [FeatureProbe: ProbeOutcome] = [:]
    /// Settings that this kernel has.
    public var settings: [HostSetting: Int64] = [:]
    /// Filters that already weigh on us, as on everything in a container; nil when /proc does not say.
    public var seccompFilters: UInt32?
    /// We are in a user namespace already: the host's settings are not ours to see.
    public var isInUserNamespace: Bool?
    /// Security modules in their order (`/sys/kernel/security/lsm`); nil when it cannot be read.
    public var securityModules: String?
    /// AppArmor's word on this process, `unconfined` or `PROFILE (MODE)`; nil without AppArmor.
    public var appArmorLabel: String?
    /// Nil when it could not be read.
    public var mounts: MountTable?
    /// What a job started by this very caller would have.
    public var cgroup: CgroupOffer = .none(.notMounted)
    /// What `run` does about a scope, where it has none.
    public var scope = ScopeRequest.none
    public var companion: CompanionExecutable = .absent(tried: [])
    public var folders: [DoctorFolder] = []

    public init(identity: ProbeIdentity) {
        self.identity = identity
    }
}

/// A folder of ours, by the name of its row.
public struct DoctorFolder: Hashable, Sendable {
    /// `state-folder`, `cache-folder`.
    public var name: String
    /// Empty when none is known.
    public var path: OSString
    public var state: FolderState
    /// The option or variable that names another.
    public var setting: String

    /// Tries the folder.
    public init(name: String, path: OSString, setting: String) {
        self.init(name: name, path: path, state: .of(path), setting: setting)
    }

    public init(name: String, path: OSString, state: FolderState, setting: String) {
        self.name = name
        self.path = path
        self.state = state
        self.setting = setting
    }
}

extension DoctorFacts {
    /// Asks the kernel everything; about 0.1 s.
    public static func gathered(folders: [DoctorFolder]) -> DoctorFacts {
        let isRoot = geteuid() == 0
        var facts = DoctorFacts(
            identity: isRoot ? .nobody : ProbeIdentity(uid: geteuid(), gid: getegid(), drops: false)
        )
        facts.readUname()
        facts.readProc()
        facts.companion = .find()
        facts.folders = folders
        for probe in FeatureProbe.allCases { facts.probes[probe] = probe.outcome(as: facts.identity) }
        return facts
    }

    private mutating func readUname() {
        var release = [CChar](repeating: 0, count: 128)
        var machine = [CChar](repeating: 0, count: 128)
        guard cs_probe_uname(&release, &machine, release.count) == 0 else { return }
        kernelRelease = DoctorFacts.text(release)
        self.machine = DoctorFacts.text(machine)
    }

    private mutating func readProc() {
        for setting in HostSetting.allCases {
            settings[setting] = PlainFile.firstLine(setting.path).flatMap { Int64($0) }
        }
        if case .success(let table) = PlainFile.read("/proc/self/mountinfo") { mounts = MountTable(parsing: table) }
        securityModules = PlainFile.firstLine("/sys/kernel/security/lsm")
        appArmorLabel = PlainFile.firstLine("/proc/self/attr/apparmor/current")
        if case .success(let status) = PlainFile.read("/proc/self/status") {
            seccompFilters = ProcessStatus(parsing: status).number("Seccomp_filters").flatMap { UInt32(exactly: $0) }
        }
        isInUserNamespace = PlainFile.firstLine("/proc/self/uid_map").map { line in
            line.split(separator: " ") != ["0", "0", "4294967295"]
        }
        cgroup = CgroupHost().offer()
        scope = CgroupHost().scope { name in
            getenv(name).map { OSString(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
        }
    }

    private static func text(_ buffer: [CChar]) -> String {
        OSString(buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }).description
    }
}
