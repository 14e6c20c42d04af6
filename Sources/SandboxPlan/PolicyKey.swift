/// The keys of a policy file, each with a value of its own in `Policy`.
///
/// `version` and `extends` have none, and `danger.host_network` only permits a value of `network.mode`.
public enum PolicyKey: UInt8, Hashable, Sendable, CaseIterable {
    case description = 0
    case fullAccess = 1
    case workspaceAccess = 2
    case system = 3
    case etc = 4
    case read = 5
    case write = 6
    case deny = 7
    case protect = 8
    case coverMissing = 9
    case unixSockets = 10
    case tmpSize = 11
    case tmpInodes = 12
    case networkMode = 13
    case networkLoopback = 14
    case inherit = 15
    case exclude = 16
    case pass = 17
    case set = 18
    case tasks = 19
    case memory = 20
    case openFiles = 21
    case fileSize = 22
    case cpu = 23
    case wall = 24
    case grace = 25
    case requireKernel = 26
    case minimumABI = 27
    case landlockRequirement = 28
    case without = 29
    case umask = 30
    case hostname = 31
    case except = 32
    case denyGlobs = 33
    case git = 34
    case onNew = 35
    case cpus = 36
    case workerCommand = 37
    case workspaceSize = 38
    case output = 39
    case landlockOnly = 40
    case container = 41
    case memoryHigh = 42

    /// The key with its section, as a file has it: `limits.tasks`.
    public var path: String {
        switch self {
        case .description: "description"
        case .fullAccess: "danger.full_access"
        case .landlockOnly: "danger.landlock_only"
        case .container: "danger.container"
        case .workspaceAccess: "workspace.access"
        case .system: "filesystem.system"
        case .etc: "filesystem.etc"
        case .read: "filesystem.read"
        case .write: "filesystem.write"
        case .deny: "filesystem.deny"
        case .protect: "filesystem.protect"
        case .coverMissing: "filesystem.cover_missing"
        case .unixSockets: "filesystem.unix_sockets"
        case .tmpSize: "filesystem.tmp_size"
        case .tmpInodes: "filesystem.tmp_inodes"
        case .networkMode: "network.mode"
        case .networkLoopback: "network.loopback"
        case .inherit: "environment.inherit"
        case .exclude: "environment.exclude"
        case .pass: "environment.pass"
        case .set: "environment.set"
        case .tasks: "limits.tasks"
        case .memory: "limits.memory"
        case .memoryHigh: "limits.memory_high"
        case .openFiles: "limits.open_files"
        case .fileSize: "limits.file_size"
        case .cpu: "limits.cpu"
        case .cpus: "limits.cpus"
        case .workspaceSize: "limits.workspace"
        case .output: "limits.output"
        case .wall: "limits.wall"
        case .grace: "limits.grace"
        case .requireKernel: "limits.require_kernel"
        case .minimumABI: "landlock.minimum_abi"
        case .landlockRequirement: "landlock.requirement"
        case .without: "seccomp.without"
        case .umask: "process.umask"
        case .hostname: "process.hostname"
        case .except: "filesystem.except"
        case .denyGlobs: "filesystem.deny_globs"
        case .git: "workspace.git"
        case .onNew: "filesystem.on_new"
        case .workerCommand: "worker.command"
        }
    }

    /// Whether a further text adds to the list instead of replacing the value.
    ///
    /// These lists keep something back: whoever builds on a policy cannot take away from them.
    public var grows: Bool {
        switch self {
        case .deny, .denyGlobs, .protect, .exclude, .requireKernel, .without, .set: true
        case .description, .fullAccess, .workspaceAccess, .system, .etc, .read, .write, .coverMissing, .unixSockets,
            .tmpSize, .tmpInodes, .networkMode, .networkLoopback, .inherit, .pass, .tasks, .memory, .memoryHigh,
            .openFiles,
            .fileSize, .cpu, .cpus, .workspaceSize, .output, .wall, .grace, .minimumABI, .landlockRequirement, .umask,
            .hostname, .except, .git, .onNew, .workerCommand, .landlockOnly, .container:
            false
        }
    }
}
