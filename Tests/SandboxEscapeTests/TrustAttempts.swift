import Foundation
import SandboxTestSupport

/// Threat list B: what a job can leave for the host to trust.
enum TrustAttempts {
    static let all: [Attempt] = [
        Attempt(
            "B1",
            "changes or replaces files that git obeys",
            .trust,
            "files",
            prepare: repository,
            arguments: { _ in [".git/config", ".gitmodules"] },
            inside: protectedFile,
            reached: { scene, _ in
                try scene.text(of: scene.workspace + "/.git/config") != gitConfig
                    || !scene.text(of: scene.workspace + "/.gitmodules").isEmpty
            }
        ),
        Attempt(
            "B1",
            "sets git's configuration with git",
            .trust,
            "git-config",
            prepare: repository,
            inside: ["git_config": ["refused"]],
            reached: { scene, _ in try scene.text(of: scene.workspace + "/.git/config") != gitConfig }
        ),
        Attempt(
            "B1",
            "plants git hooks",
            .trust,
            "folders",
            prepare: repository,
            arguments: { _ in [".git/hooks"] },
            inside: protectedFolder,
            reached: { scene, _ in try !holdsOnlyKept(".git/hooks", in: scene) }
        ),
        Attempt(
            "B2",
            "moves the repository away",
            .trust,
            "moves",
            prepare: repository,
            arguments: { _ in [".git"] },
            inside: heldFolder,
            after: { scene, _ in
                scene.exists(scene.workspace + "/.git/config") ? [] : [".git/config is gone"]
            }
        ),
        Attempt(
            "B2",
            "makes protected names that were missing",
            .trust,
            "missing",
            prepare: repository,
            arguments: { _ in ["covered"] + covered },
            controlArguments: { _ in ["uncovered"] + covered },
            inside: [
                "create": ["EISDIR", "EROFS"], "exclusive": ["EEXIST"], "mkdir": ["EEXIST"], "symlink": ["EEXIST"],
                "link": ["EEXIST"], "rename": ["EBUSY", "EISDIR"], "rename_folder": ["EBUSY"], "mkfifo": ["EEXIST"],
                "bind": ["EADDRINUSE"], "below": ["EROFS"], "exchange": ["EBUSY"], "move_away": ["EBUSY"],
                "rmdir": ["EBUSY"],
            ],
            after: { scene, _ in
                covered.filter { scene.exists(scene.workspace + "/" + $0) }.map { "\($0) is there afterwards" }
            }
        ),
        Attempt(
            "B2",
            "moves the workspace itself",
            .trust,
            "workspace",
            arguments: { [$0.workspace] },
            inside: [
                "rmdir": ["EBUSY"], "beside": ["ok", "EROFS"], "above": ["ok", "EROFS"], "move": ["EBUSY"],
            ],
            outside: ["rmdir": ["ENOTEMPTY"]],
            reached: { scene, _ in try scene.names(in: scene.folder) != ["home", "outside", "state", "workspace"] }
        ),
        Attempt(
            "B3",
            "changes settings of tools that lie in the workspace",
            .trust,
            "files",
            prepare: { scene in
                for name in toolFiles { try scene.write("version = 1\n", to: scene.workspace + "/" + name) }
            },
            arguments: { _ in toolFiles },
            inside: protectedFile,
            reached: { scene, _ in
                try toolFiles.contains { try scene.text(of: scene.workspace + "/" + $0) != "version = 1\n" }
            }
        ),
        Attempt(
            "B3",
            "changes tools' folders of settings in the workspace",
            .trust,
            "folders",
            prepare: { scene in
                for name in toolFolders {
                    try scene.makeFolder(scene.workspace + "/" + name)
                    try scene.write("x", to: scene.workspace + "/" + name + "/kept")
                }
            },
            arguments: { _ in toolFolders },
            inside: protectedFolder,
            reached: { scene, _ in try toolFolders.contains { try !holdsOnlyKept($0, in: scene) } }
        ),
        Attempt(
            "B3",
            "reads and changes the user's own policies",
            .trust,
            "settings",
            prepare: { scene in
                for path in ["/.config", "/.config/codex-sandbox", "/.config/codex-sandbox/policies"] {
                    try scene.makeFolder(scene.home + path)
                }
                try scene.write("version = 1\n", to: scene.home + policy)
            },
            arguments: { [$0.home + policy] },
            inside: ["read": ["ENOENT"], "write": ["ENOENT"]],
            reached: { scene, _ in try scene.text(of: scene.home + policy) != "version = 1\n" }
        ),
    ]

    private static let policy = "/.config/codex-sandbox/policies/mine.toml"
    private static let covered = [".codex", ".codex-sandbox.toml", ".envrc", ".mcp.json"]
    private static let toolFiles = [".codex-sandbox.toml", ".mcp.json", ".envrc"]
    private static let toolFolders = [".codex", ".claude", ".vscode", ".idea"]
    private static let gitConfig = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"

    /// A repository as git makes one, as far as it matters here.
    @Sendable static func repository(in scene: Scene) throws {
        let git = scene.workspace + "/.git"
        for path in ["", "/hooks", "/objects", "/refs", "/refs/heads"] { try scene.makeFolder(git + path) }
        try scene.write("ref: refs/heads/main\n", to: git + "/HEAD")
        try scene.write(gitConfig, to: git + "/config")
        try scene.write("#!/bin/sh\n", to: git + "/hooks/kept")
        try scene.write("", to: scene.workspace + "/.gitmodules")
    }

    private static func holdsOnlyKept(_ name: String, in scene: Scene) throws -> Bool {
        let path = scene.workspace + "/" + name
        return try scene.exists(path) && scene.names(in: path) == ["kept"]
    }

    /// A file that is a read-only mount of itself.
    static let protectedFile: [String: Set<String>] = [
        "append": ["EROFS"], "put": ["EROFS"], "in_place": ["EROFS"], "truncate": ["EROFS"], "chmod": ["EROFS"],
        "utime": ["EROFS"], "xattr": ["EROFS"], "replace": ["EBUSY"], "exchange": ["EBUSY"], "move_away": ["EBUSY"],
        "unlink": ["EBUSY"], "link_from": ["EXDEV"],
    ]

    /// A folder that may be written but is a mount point.
    static let heldFolder: [String: Set<String>] = [
        "move_away": ["EBUSY"], "exchange": ["EBUSY"], "replace": ["EBUSY"], "rmdir": ["EBUSY"],
    ]

    private static let protectedFolder: [String: Set<String>] = [
        "create": ["EROFS"], "mkdir": ["EROFS"], "symlink": ["EROFS"], "move_in": ["EXDEV"], "link_in": ["EROFS"],
        "chmod": ["EROFS"], "utime": ["EROFS"], "unlink_below": ["EROFS"], "move_away": ["EBUSY"],
        "exchange": ["EBUSY"], "replace": ["EBUSY"], "rmdir": ["EBUSY"],
    ]
}
