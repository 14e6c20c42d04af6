import Foundation
import SandboxTestSupport

/// Threat list C: other processes, pid 1, and what a crash leaves.
enum ProcessAttempts {
    static let all: [Attempt] = [
        Attempt(
            "C1",
            "signals, traces, reads, slows and limits a host process",
            .processes,
            "attack",
            prepare: { _ = try ProcessCanary("victim", in: $0) },
            arguments: { [try victim($0).fact("victim"), try victim($0).fact("victim", 1)] },
            inside: attackActs,
            leaks: true,
            reached: { scene, _ in try victim(scene).wasReached() }
        ),
        Attempt(
            "C2",
            "finds the caller's secrets in the processes it can see",
            .processes,
            "scan",
            arguments: { [$0.token] },
            options: { ["--evidence", "\($0.state)/\($0.token).json"] },
            inside: ["own": ["yes"], "found": ["nothing"]],
            outside: ["own": ["yes"]],
            environment: { ["CANARY": $0.token, "PASSED_BY_NOBODY": $0.token] },
            reached: { _, result in result.values("found") == ["ok"] }
        ),
        Attempt(
            "C2 C3 C4",
            "reads, traces, limits and rewrites its pid 1",
            .processes,
            "init",
            prepare: { _ = try ProcessCanary("victim", in: $0) },
            controlArguments: { [try victim($0).fact("victim")] },
            inside: initActs,
            // Writing a program that runs is refused everywhere; runc's CVE-2019-5736 waited for its end.
            outside: ["exe_write": ["ETXTBSY"], "process_vm_readv": ["EFAULT"]],
            after: { scene, _ in
                try scene.workshop.launcherIsUntouched() ? [] : ["the launcher's own file was changed"]
            }
        ),
        Attempt(
            "C3",
            "stops and kills pid 1 and everything else",
            .processes,
            "stop-init",
            control: .none("outside it would end every process of its user"),
            arguments: { _ in [hostPidNamespace] },
            inside: ["survived": ["ok"]],
            ending: [.exited(7)]
        ),
        Attempt(
            "C3 C11",
            "starves pid 1 of limits and time, and waits",
            .processes,
            "starve-init",
            control: .none("outside it would starve the host's pid 1"),
            arguments: { _ in [hostPidNamespace] },
            options: { _ in ["--timeout", "8s"] },
            // Its limits, its class and its priorities it keeps; one's own can be made lower.
            inside: [
                "limit": ["EPERM"], "idle": ["EPERM"], "nice": ["EPERM"], "ioprio": ["EPERM"], "group": ["EPERM"],
                "own_nice": ["ok"], "own_group": ["ok"], "own_group_nice": ["ok"], "own_ioprio": ["ok"],
                "waiting": ["ok"],
            ],
            ending: [.exited(124)]
        ),
        Attempt(
            "C12",
            "leaves a core file",
            .processes,
            "crash",
            prepare: { _ in
                let pattern = try String(contentsOfFile: "/proc/sys/kernel/core_pattern", encoding: .utf8)
                if pattern.hasPrefix("|") || pattern.contains("/") {
                    throw HostForbids("the host's core_pattern leads elsewhere: \(pattern)")
                }
                if forbidsCores { throw HostForbids("the hard limit of core dumps is 0 here") }
            },
            controlKeeper: { _ in ["--limit", "core=unlimited"] },
            inside: ["core_limit": [forbidsCores ? "0/0" : "1/1"], "raise": ["EPERM"]],
            outside: ["core_limit": ["-1/-1"]],
            ending: [.exited(128 + SIGSEGV)],
            reached: { scene, _ in try scene.names(in: scene.workspace).contains { $0.hasPrefix("core") } }
        ),
        Attempt(
            "C12",
            "opens more files than the limit",
            .processes,
            "open-files",
            arguments: { _ in ["5000"] },
            keeper: { _ in ["--limit", "nofile=6000"] },
            inside: ["opened": ["EMFILE"]]
        ),
    ]

    /// Nobody without CAP_SYS_RESOURCE raises a hard limit again (getrlimit(2)).
    static let forbidsCores: Bool = {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(UInt32(RLIMIT_CORE.rawValue)), &limit) == 0 && limit.rlim_max == 0
    }()

    /// The inode's number, from `pid:[4026531836]`.
    static let hostPidNamespace: String = {
        var buffer = [CChar](repeating: 0, count: 64)
        let length = readlink("/proc/self/ns/pid", &buffer, 63)
        precondition(length > 6, "readlink /proc/self/ns/pid")
        return String(decoding: buffer[5..<length - 1].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    private static func victim(_ scene: Scene) throws -> ProcessCanary {
        guard let canary = scene.processCanary else { throw TestFailure("the scene has no canary process") }
        return canary
    }

    /// Process numbers of the host mean nothing inside: ESRCH, and ENOENT below /proc; EPERM where the filter comes
    /// first.
    private static let attackActs: [String: Set<String>] = [
        "signal_0": ["ESRCH"], "signal_usr1": ["ESRCH"], "signal_group": ["ESRCH"], "signal_thread": ["ESRCH"],
        "signal_queue": ["ESRCH"], "signal_pidfd": ["ESRCH"], "signal_owner": ["ESRCH"], "ptrace_attach": ["ESRCH"],
        "ptrace_seize": ["ESRCH"], "nice": ["ESRCH"], "affinity": ["ESRCH"], "scheduler": ["ESRCH"],
        "limit_read": ["ESRCH"], "limit_write": ["ESRCH"], "session": ["ESRCH"], "descriptor": ["ESRCH"],
        "kcmp": ["ESRCH", "EPERM"], "move_pages": ["ESRCH", "EPERM"],
        "environ": ["ENOENT"], "maps": ["ENOENT"], "mem": ["ENOENT"], "root": ["ENOENT"], "exe": ["ENOENT"],
        "descriptors": ["ENOENT"], "cmdline": ["ENOENT"], "oom_score_adj": ["ENOENT"],
        "memory_read": ["ESRCH"], "memory_write": ["ESRCH"],
    ]

    private static let initActs: [String: Set<String>] = {
        var acts: [String: Set<String>] = [:]
        for name in [
            "environ", "mem", "maps", "smaps", "root", "cwd", "exe", "fd", "fdinfo", "map_files", "syscall", "auxv",
            "io", "ns_mnt", "ns_user", "exe_write", "mem_write", "ptrace_attach", "ptrace_seize", "descriptor",
            "process_vm_readv",
        ] { acts[name] = ["EACCES", "EPERM"] }
        // "limit_write" is no part of this: the same user may set its limits, and what comes of it is an attempt of
        // its own.
        return acts
    }()
}
