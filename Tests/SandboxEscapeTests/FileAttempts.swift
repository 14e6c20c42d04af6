import Foundation
import SandboxTestSupport

/// Threat list A: what a job can reach and change among files.
enum FileAttempts {
    static let all: [Attempt] = secrets + writes + ways + links + mounts + descriptors + devices + owners

    private static let secrets: [Attempt] = [
        Attempt(
            "A1",
            "reads a secret by its path",
            .files,
            "read",
            arguments: { [$0.secret, $0.home + "/.netrc"] },
            inside: ["read": ["ENOENT"]],
            leaks: true
        ),
        Attempt(
            "A1",
            "searches everything it can see for a secret",
            .files,
            "search",
            arguments: { [$0.token, "/", "-x", "/usr", "/opt", "/nix", "/proc"] },
            controlArguments: { [$0.token, $0.folder] },
            inside: ["found": ["nothing"]],
            leaks: false
        ),
    ]

    private static let writes: [Attempt] = [
        Attempt(
            "A2",
            "writes to a host file",
            .files,
            "write",
            arguments: { [$0.secret] },
            inside: ["write": ["ENOENT"]],
            reached: { scene, _ in try !scene.secretIsUntouched() }
        ),
        Attempt(
            "A2",
            "puts a file into the caller's home",
            .files,
            "create",
            arguments: { [$0.home + "/.bashrc"] },
            inside: ["create": ["ENOENT"]],
            reached: { scene, _ in scene.exists(scene.home + "/.bashrc") }
        ),
        system("/usr"), system("/usr/local/bin"), system("/etc"), system("/opt"),
        privateFolder("/tmp", control: .worker), privateFolder("/var/tmp", control: .worker),
        privateFolder("/dev/shm", control: .worker), privateFolder("/run", control: .root),
        Attempt(
            "A2",
            "fills /tmp",
            .files,
            "fill",
            arguments: { _ in ["/tmp", "32"] },
            options: { _ in ["--tmp-size", "8MiB"] },
            inside: ["fill": ["ENOSPC"]]
        ),
        Attempt(
            "A2",
            "fills /dev/shm",
            .files,
            "fill",
            arguments: { _ in ["/dev/shm", "32"] },
            options: { _ in ["--tmp-size", "8MiB"] },
            inside: ["fill": ["ENOSPC"]]
        ),
        Attempt(
            "A2",
            "uses up the inodes of /dev/shm",
            .files,
            "fill-names",
            arguments: { _ in ["/dev/shm", "110000"] },
            inside: ["fill": ["ENOSPC"]]
        ),
        Attempt(
            "A2",
            "writes to a mount below a read-only folder",
            .files,
            "create",
            prepare: {
                try $0.makeFolder($0.folder + "/shared")
                try $0.makeFolder($0.folder + "/shared/below")
            },
            arguments: { [$0.folder + "/shared/below/created"] },
            options: { ["--read", $0.folder + "/shared"] },
            keeper: { ["--mounts", "--tmpfs", $0.folder + "/shared/below", "1m"] },
            inside: ["create": ["EROFS"]]
        ),
        Attempt(
            "A2",
            "changes a read-only file without writing into it",
            .files,
            "change",
            prepare: {
                try $0.makeFolder($0.folder + "/shared")
                try $0.write("x", to: $0.folder + "/shared/file")
            },
            arguments: { [$0.folder + "/shared/file"] },
            options: { ["--read", $0.folder + "/shared"] },
            inside: [
                "chmod": ["EROFS"], "utimens": ["EROFS"], "xattr": ["EROFS"], "truncate": ["EROFS"],
                "chown": ["EROFS"], "rename": ["EROFS"], "unlink": ["EROFS"],
            ]
        ),
    ]

    /// A system folder, where only root can be the control.
    private static func system(_ folder: String) -> Attempt {
        Attempt(
            "A2",
            "puts a file into \(folder)",
            .files,
            "create",
            control: .root,
            arguments: { ["\(folder)/\($0.token)"] },
            inside: ["create": ["EROFS"]],
            reached: { scene, _ in try removed("\(folder)/\(scene.token)") }
        )
    }

    /// A folder that is there but is not the host's.
    private static func privateFolder(_ folder: String, control: Attempt.Control) -> Attempt {
        Attempt(
            "A2",
            "leaves a file in the host's \(folder)",
            .files,
            "create",
            control: control,
            arguments: { ["\(folder)/\($0.token)"] },
            inside: ["create": ["ok"]],
            reached: { scene, _ in try removed("\(folder)/\(scene.token)") }
        )
    }

    /// Whether it was there; it is not any more.
    private static func removed(_ path: String) throws -> Bool {
        guard FileManager.default.fileExists(atPath: path) else { return false }
        try FileManager.default.removeItem(atPath: path)
        return true
    }

    private static let ways: [Attempt] = [
        Attempt(
            "A3",
            "climbs out by .. and the links of /proc",
            .files,
            "climb",
            arguments: { [$0.secret] },
            inside: [
                "dot_dot": ["ENOENT"], "proc_cwd": ["ENOENT"], "proc_root": ["ENOENT"], "thread_root": ["ENOENT"],
                "after_chdir": ["ENOENT"], "above_root": ["itself"],
            ],
            outside: ["above_root": ["itself"]],
            leaks: true
        ),
        Attempt(
            "A11",
            "walks out of a chroot and looks under the root",
            .files,
            "old-root",
            control: .capable,
            prepare: { scene in
                let root = scene.folder + "/root"
                for path in [scene.workshop.programs, scene.workspace] {
                    try FileManager.default.createDirectory(atPath: root + path, withIntermediateDirectories: true)
                    try scene.own(root + path)
                }
            },
            arguments: { [$0.secret] },
            controlKeeper: {
                let root = $0.folder + "/root"
                return ["--bind", $0.workshop.programs, root + $0.workshop.programs, "--chroot", root]
            },
            inside: [
                "chroot": ["EPERM"], "chroot_above": ["EPERM"], "read": ["ENOENT"], "pivot_root": ["EPERM"],
                "umount_root": ["EPERM"], "umount_here": ["EPERM"], "read_after": ["ENOENT"],
            ],
            outside: ["pivot_root": ["EINVAL", "EBUSY"], "umount_root": ["EINVAL"], "umount_here": ["EINVAL"]],
            leaks: true
        ),
        Attempt(
            "A12",
            "reaches host processes' files through /proc",
            .files,
            "magic",
            prepare: { _ = try ProcessCanary("victim", in: $0) },
            arguments: { [$0.secret, try victim(of: $0).fact("victim")] },
            inside: ["host_process": ["ENOENT"], "any_process": ["nothing"]],
            leaks: true
        ),
        Attempt(
            "A13",
            "opens a host file by its handle",
            .files,
            "by-handle",
            control: .root,
            arguments: { scene in
                let found = try scene.run([scene.program("hostile-files"), "print-handle", scene.secret])
                if found.values("name_to_handle_at").contains("EOPNOTSUPP") {
                    throw HostForbids("the file system has no handles")
                }
                guard let handle = found.values("handle").first else { throw TestFailure(found.story) }
                return [handle]
            },
            inside: ["open_by_handle_at": ["EPERM"]],
            leaks: true
        ),
    ]

    private static let links: [Attempt] = [
        Attempt(
            "A4",
            "goes out through symbolic links",
            .files,
            "links",
            prepare: {
                try $0.link($0.workspace + "/planted", to: $0.secret)
                try $0.link($0.workspace + "/planted-folder", to: $0.outside)
            },
            arguments: { [$0.secret, $0.outside] },
            inside: [
                "read_planted": ["ENOENT"], "write_planted": ["ENOENT"], "create_through_planted": ["ENOENT"],
                "make": ["ok"], "read_made": ["ENOENT"], "write_made": ["ENOENT"], "create_through_made": ["ENOENT"],
                "through_root_of_init": ["EACCES", "EPERM"],
            ],
            outside: ["through_root_of_init": ["EACCES", "EPERM"]],
            leaks: true,
            reached: { scene, _ in try !scene.secretIsUntouched() }
        ),
        crossing("--read", row: "A8"), crossing("--write", row: "A8"),
    ]

    /// Links and renames between the workspace and a folder that is visible beside it.
    private static func crossing(_ option: String, row: String) -> Attempt {
        Attempt(
            row,
            "links and renames across the edge of the workspace, \(option)",
            .files,
            "across",
            prepare: {
                try $0.makeFolder($0.folder + "/shared")
                try $0.write("x", to: $0.folder + "/shared/file")
            },
            arguments: { [$0.folder + "/shared/file", $0.folder + "/shared"] },
            options: { [option, $0.folder + "/shared"] },
            inside: [
                "own": ["ok"], "link_in": ["EXDEV"], "link_in_by_descriptor": ["EXDEV"],
                // A read-only mount says so before anything else is looked at.
                "link_out": option == "--read" ? ["EROFS"] : ["EXDEV"],
                "rename_in": ["EXDEV"], "rename_out": ["EXDEV"],
            ],
            reached: { scene, _ in try scene.names(in: scene.folder + "/shared") != ["file"] }
        )
    }

    private static let mounts: [Attempt] = [
        Attempt(
            "A9",
            "looks under a cover",
            .files,
            "unmask",
            control: .capable,
            prepare: {
                try $0.makeFolder($0.workspace + "/private")
                try $0.makeFolder($0.folder + "/empty")
                try $0.write($0.token, to: $0.workspace + "/private/token")
            },
            arguments: { [$0.workspace + "/private"] },
            options: { ["--deny", $0.workspace + "/private"] },
            controlKeeper: { ["--bind", $0.folder + "/empty", $0.workspace + "/private"] },
            inside: [
                "unshare_mount": ["EPERM"], "open_tree": ["EPERM"], "fsopen": ["EPERM"], "fspick": ["EPERM"],
                "bind": ["EPERM"], "umount": ["EPERM"], "umount_detach": ["EPERM"],
                "read_below": ["EACCES", "ENOENT"],
            ],
            // The host's file system belongs to another user namespace.
            outside: ["fspick": ["ok", "EPERM"]],
            leaks: true
        ),
        Attempt(
            "A10",
            "makes a read-only mount writable",
            .files,
            "remount",
            control: .capable,
            prepare: { try $0.makeFolder($0.folder + "/shared") },
            arguments: { [$0.folder + "/shared"] },
            options: { ["--read", $0.folder + "/shared"] },
            controlKeeper: { ["--bind", $0.folder + "/shared", $0.folder + "/shared"] },
            inside: ["mount_setattr": ["EPERM"], "remount": ["EPERM"], "write": ["EROFS"]],
            reached: { scene, _ in try scene.names(in: scene.folder + "/shared") != [] }
        ),
    ]

    private static let descriptors: [Attempt] = [
        Attempt(
            "A14",
            "uses descriptors that the caller left open",
            .files,
            "descriptors",
            keeper: {
                ["--plant", "4=\($0.outside)", "--plant", "5=\($0.secret)", "--plant", "300=\($0.outside)"]
            },
            inside: ["extra": ["0"]],
            outside: ["extra": ["3"]],
            leaks: true
        )
    ]

    private static let devices: [Attempt] = [
        Attempt(
            "A15",
            "makes device nodes",
            .files,
            "mknod",
            control: .root,
            inside: ["char": ["EPERM", "EACCES"], "block": ["EPERM", "EACCES"], "char_tmp": ["EPERM", "EACCES"]]
        ),
        Attempt(
            "A15",
            "opens a device node that lies in the workspace",
            .files,
            "open-nodes",
            prepare: { scene in
                guard getuid() == 0 else { throw HostForbids("only root can put a device node into a workspace") }
                let path = scene.workspace + "/node"
                guard mknod(path, S_IFCHR | 0o666, 0x103) == 0, chmod(path, 0o666) == 0 else {
                    throw TestFailure(call: "mknod", on: path)
                }
            },
            arguments: { [$0.workspace + "/node"] },
            inside: ["open": ["EACCES"]]
        ),
        Attempt(
            "A16",
            "finds devices beyond the few",
            .files,
            "devices",
            inside: ["others": ["none"], "dangerous": ["none"]],
            // A container's /dev may have none of them.
            absent: ["dangerous": ["none"]]
        ),
    ]

    private static let owners: [Attempt] = [
        Attempt(
            "A17",
            "sets a set-id bit in every way",
            .files,
            "set-id",
            inside: setIDActs,
            outside: [:],
            reached: { scene, _ in
                try scene.names(in: scene.workspace).contains {
                    try scene.status(of: scene.workspace + "/" + $0).mode & 0o6000 != 0
                }
            }
        ),
        Attempt(
            "A17",
            "gains from a set-id program in the workspace",
            .files,
            "run",
            prepare: { scene in
                guard getuid() == 0 else { throw HostForbids("only root can leave a program that is set-id root") }
                let helper = scene.workspace + "/helper"
                // By a process of its own: what this one has open for writing, a child that another test forks has too (ETXTBSY).
                let copy = Process()
                copy.executableURL = URL(filePath: "/bin/cp")
                copy.arguments = [scene.program("hostile-files"), helper]
                try copy.run()
                copy.waitUntilExit()
                guard copy.terminationStatus == 0, lchown(helper, 0, 0) == 0, chmod(helper, 0o6755) == 0 else {
                    throw TestFailure(call: "chmod", on: helper)
                }
            },
            arguments: { [$0.workspace + "/helper", "who"] },
            inside: ["privilege": ["none"]]
        ),
        Attempt(
            "A21",
            "makes files that belong to the host's root",
            .files,
            "file-owner",
            control: .root,
            inside: ["create": ["ok"], "mkdir": ["ok"], "symlink": ["ok"], "chown_root": ["EPERM", "EINVAL"]],
            reached: { scene, _ in
                try ["made-by-job", "made-folder-by-job", "made-link-by-job"].contains {
                    let status = try scene.status(of: scene.workspace + "/" + $0)
                    return status.owner == 0 || status.group == 0
                }
            }
        ),
    ]

    private static let setIDActs: [String: Set<String>] = {
        var acts: [String: Set<String>] = ["plain_chmod": ["ok"]]
        let ways = [
            "chmod", "fchmod", "fchmodat", "fchmodat2", "open", "openat", "creat", "mkdir", "mkdirat", "mknod",
            "mknodat", "tmpfile", "tmpfileat", "openat2",
        ]
        for way in ways {
            for kind in ["user", "group", "both"] {
                acts["\(way)_\(kind)"] = way == "openat2" ? ["ENOSYS"] : ["EPERM"]
            }
        }
        return acts
    }()

    private static func victim(of scene: Scene) throws -> ProcessCanary {
        guard let canary = scene.processCanary else { throw TestFailure("the scene has no canary process") }
        return canary
    }
}
