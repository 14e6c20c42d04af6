import SandboxPlan

/// What a policy says where its file says nothing.
///
/// Applied once, when a document is validated; docs/policy.md lists them.
enum PolicyDefaults {
    /// What makes up the system, shown read-only.
    ///
    /// Absent ones are left out, links are made again as links.
    static let system: [OSString] = [
        "/usr", "/opt", "/nix", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
    ]

    /// What programs read of `/etc`, on Debian, Ubuntu, Fedora, Arch and NixOS.
    ///
    /// Each one that exists is a mount at every launch. Left out on purpose: what names the host or its people (machine-id,
    /// hostname, hosts, resolv.conf, passwd, group, which are absent or generated), what may hold secrets (shadow, ssh,
    /// ssl/private, pki/tls/private, sudoers, krb5, pip.conf, npmrc, environment) and what only an administrator needs.
    static let etc: [OSString] =
        loader + certificates + timeAndText + release + [
            // cc, java, editor…: links that /usr/bin goes through (Debian, Fedora).
            "alternatives",
            // OpenJDK: Debian keeps jvm.cfg and java.security here, Fedora below java/.
            "java-8-openjdk", "java-11-openjdk", "java-17-openjdk", "java-21-openjdk", "java-25-openjdk", "java",
            // fontconfig, which Java's and Python's drawing libraries ask.
            "fonts",
            // getservbyname(3), getprotobyname(3).
            "protocols", "services",
            // NixOS: what its other links in /etc lead to.
            "static",
        ]

    /// ld.so(8); GNU ld reads ld.so.conf for the libraries that libraries need.
    private static let loader: [OSString] = ["ld.so.cache", "ld.so.conf", "ld.so.conf.d"]

    /// Public certificates and OpenSSL's settings, never the private folders beside them.
    private static let certificates: [OSString] = [
        "ssl/certs", "ssl/openssl.cnf", "ca-certificates/extracted",
        "pki/ca-trust/extracted", "pki/tls/certs", "pki/tls/cert.pem", "pki/tls/openssl.cnf", "crypto-policies",
    ]

    private static let timeAndText: [OSString] = ["localtime", "timezone", "locale.conf", "locale.alias", "mime.types"]

    private static let release: [OSString] = ["os-release", "lsb-release", "debian_version", "redhat-release"]

    /// Names that what the host later trusts goes by; a file adds to them.
    static let protect: [OSString] = [
        ".git/config", ".git/config.worktree", ".git/hooks", ".gitmodules", ".codex", ".codex-sandbox.toml",
        ".mcp.json", ".claude", ".vscode", ".idea", ".envrc",
    ]

    static let coverMissing: [OSString] = [".codex", ".codex-sandbox.toml", ".envrc", ".mcp.json"]

    /// Patterns of environment names that are never inherited; a file adds to them.
    static let exclude: [OSString] = secrets + agentsAndSockets + loading + interpreters + elsewhere

    private static let secrets: [OSString] = [
        "*KEY*", "*SECRET*", "*TOKEN*", "*PASSWORD*", "*PASSWD*", "*PASSPHRASE*", "*_PASS", "PGPASSFILE",
        "*CREDENTIAL*", "*AUTH*", "*COOKIE*", "*PRIVATE*", "*WEBHOOK*", "*_DSN", "*DATABASE_URL*",
        "*CONNECTION*STRING*",
    ]

    /// Addresses of agents, buses, displays and service managers.
    private static let agentsAndSockets: [OSString] = [
        "SSH_*", "GPG_*", "DBUS_*", "XDG_*", "DISPLAY", "WAYLAND_*", "ICEAUTHORITY", "SESSION_MANAGER", "PULSE_*",
        "PIPEWIRE_*", "DOCKER_*", "CONTAINER_HOST", "KUBE*", "KRB5*", "*_SOCK", "*_SOCKET", "NOTIFY_SOCKET", "LISTEN_*",
        "JOURNAL_STREAM", "TMUX*", "STY", "VSCODE_*",
    ]

    /// What the dynamic loader and the C library take code, tables or addresses from (ld.so(8), environ(7)).
    private static let loading: [OSString] = [
        "LD_*", "GLIBC_TUNABLES", "MALLOC_*", "GCONV_PATH", "GETCONF_DIR", "LOCPATH", "NLSPATH", "HOSTALIASES",
        "LOCALDOMAIN", "RES_OPTIONS", "TMPDIR",
    ]

    /// What shells and language runtimes take code or options from.
    private static let interpreters: [OSString] = [
        "BASH_*", "ENV", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "IFS", "CDPATH", "ZDOTDIR", "PYTHON*",
        "PERL*",
        "RUBY*", "NODE_*", "NPM_*", "LUA_*", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH",
        "PHPRC", "PHP_INI_SCAN_DIR",
    ]

    /// Git's own variables, proxies, and our own settings.
    private static let elsewhere: [OSString] = ["GIT_*", "*_PROXY", "SUDO_*", "CODEX_SANDBOX*"]

    static let filesystem = FilesystemPolicy(
        system: system,
        etc: etc,
        read: [],
        write: [],
        deny: [],
        protect: protect,
        coverMissing: coverMissing,
        unixSockets: [],
        tmpSize: .gibibytes(1),
        tmpInodes: 100_000
    )

    static let environment = EnvironmentPolicy(inherit: .core, exclude: exclude, pass: [], set: [])

    static let limits = LimitPolicy(
        tasks: 1024,
        memory: .upToHalfOfRAM(.gibibytes(4)),
        memoryHigh: ByteCount(bytes: 0),
        openFiles: 4096,
        fileSize: .gibibytes(8),
        cpuSeconds: 0,
        cpuThousandths: 0,
        workspace: ByteCount(bytes: 0),
        output: ByteCount(bytes: 0),
        wall: .hours(24),
        grace: .seconds(2),
        requireKernel: []
    )

    /// What a text's values are written into: lists without an entry, everything else without a meaning.
    static func nothing(named name: String) -> Policy {
        var policy = policy(named: name)
        policy.filesystem.system = []
        policy.filesystem.etc = []
        policy.filesystem.protect = []
        policy.filesystem.coverMissing = []
        policy.environment.exclude = []
        return policy
    }

    /// A policy of a file that says `version = 1` and nothing else.
    static func policy(named name: String) -> Policy {
        Policy(
            name: name,
            summary: "",
            confinement: .sandbox,
            workspace: .readWrite,
            filesystem: filesystem,
            network: .off(loopback: true),
            environment: environment,
            limits: limits,
            seccomp: SeccompPolicy(without: []),
            landlock: LandlockPolicy(minimumABI: 1, requirement: .required),
            process: ProcessPolicy(umask: 0o022, hostname: "sandbox")
        )
    }
}
