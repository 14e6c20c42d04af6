import SandboxPlan
import Testing

@testable import SandboxPolicy

/// What is mounted in and below the workspace, as a function of policy and host.
@Suite struct RootMountsTests {
    /// A workspace `/w` and what stands in it.
    struct Place {
        var folders: [OSString] = []
        var files: [OSString] = []
        var read: [OSString] = []
        var write: [OSString] = []
        var deny: [OSString] = []
        var protect: [OSString] = []
        var links: UInt32 = 1
        var policyFiles: [OSString] = []
        var homes: [ResolvedPath] = []
        var own: [ResolvedPath] = []
        var workspace: OSString = "/w"

        private var policy: Policy {
            var policy = CompiledPolicyCodingTests.standard.policy
            policy.filesystem.system = ["/usr"]
            policy.filesystem.etc = ["ssl/certs", "ssl/openssl.cnf"]
            policy.filesystem.read = read
            policy.filesystem.write = write
            policy.filesystem.deny = deny
            policy.filesystem.protect = protect
            policy.filesystem.coverMissing = []
            return policy
        }

        private var request: LaunchRequest {
            LaunchRequest(
                workspace: workspace,
                workingDirectory: workspace,
                arguments: ["true"],
                callerEnvironment: [],
                allowRootOwnedWorkspace: false,
                ownFolders: own,
                homes: homes,
                policyFiles: policyFiles
            )
        }

        /// `anchor /w/a`, in order; only paths that the inventory names are known, as at a launch.
        func mounts() throws(Refusal) -> [String] {
            var entries: HostEntries = [:]
            let identity = FileIdentity(device: 1, inode: 2, uid: 1000, gid: 1000, links: links)
            func look(at paths: [OSString]) {
                for path in paths {
                    if (folders + ["/w"]).contains(path) { entries[path] = .directory(identity) }
                    if files.contains(path) { entries[path] = .file(identity) }
                }
            }
            look(at: PathInventory.chosenPaths(policy, request))
            look(at: PathInventory.repositoryPaths(policy, request, entries))
            let host = HostFacts.sample(entries: entries)
            let planner = MountPlanner(
                policy: policy,
                request: request,
                host: host,
                identity: IdentityPlan(uid: 1000, gid: 1000, dropsFromRoot: false, keptGroups: [])
            )
            var result = MountPlanner.Result()
            try RootMounts(planner: planner).add(to: &result)
            var words: [String] = []
            for step in result.steps {
                switch step {
                case .bind(let bind): words.append("\(bind.purpose) \(bind.target)")
                case .cover(let path, _): words.append("cover \(path)")
                case .makeFolders, .writeFile: continue
                default: words.append("something else")
                }
            }
            return words
        }

        func refusal() -> String {
            do throws(Refusal) {
                return "planned: \(try mounts())"
            } catch { return "\(error.message); \(error.remedy)" }
        }
    }

    @Test func everyFolderOnTheWayIsHeldOnce() throws {
        var place = Place(folders: ["/w/a", "/w/a/b", "/w/a/b/c", "/w/a/b/d"], read: ["/w/a/b/d"], deny: ["/w/a/b/c"])
        #expect(
            try place.mounts() == [
                "workspace /w", "anchor /w/a", "anchor /w/a/b", "read /w/a/b/d", "cover /w/a/b/c",
            ]
        )
        place.protect = ["a/b/e"]
        place.files = ["/w/a/b/e"]
        #expect(
            try place.mounts() == [
                "workspace /w", "anchor /w/a", "anchor /w/a/b", "protected /w/a/b/e", "read /w/a/b/d", "cover /w/a/b/c",
            ]
        )
    }

    @Test func nothingIsHeldWhereNothingCanBeRenamed() throws {
        let place = Place(folders: ["/w/a", "/w/a/b", "/w/a/b/c"], read: ["/w/a"], deny: ["/w/a/b/c"])
        #expect(try place.mounts() == ["workspace /w", "read /w/a", "cover /w/a/b/c"])
    }

    @Test func aWritableFolderInAReadOnlyOneHoldsItsOwn() throws {
        let place = Place(
            folders: ["/w/a", "/w/a/b", "/w/a/b/c", "/w/a/b/c/d"],
            read: ["/w/a"],
            write: ["/w/a/b"],
            deny: ["/w/a/b/c/d"]
        )
        #expect(
            try place.mounts() == [
                "workspace /w", "read /w/a", "write /w/a/b", "anchor /w/a/b/c", "cover /w/a/b/c/d",
            ]
        )
    }

    @Test func aReadOnlyRootIsNotOpenedAgainByAProtectedNameInIt() throws {
        let place = Place(
            folders: ["/w/.git", "/w/.git/hooks"],
            files: ["/w/.git/config"],
            read: ["/w/.git"],
            protect: [".git/config", ".git/hooks"]
        )
        #expect(try place.mounts() == ["workspace /w", "read /w/.git"])
    }

    @Test func nothingIsMountedBelowADeniedPath() throws {
        var place = Place(
            folders: ["/w/.git", "/w/.git/hooks"],
            files: ["/w/.git/config"],
            deny: ["/w/.git", "/w/.git/hooks"],
            protect: [".git/config", ".git/hooks"]
        )
        #expect(try place.mounts() == ["workspace /w", "cover /w/.git"])
        place.read = ["/w/.git/hooks"]
        #expect(place.refusal().contains("lies in /w/.git, which is denied"))
    }

    @Test func aWritablePathInAProtectedNameIsRefused() {
        let place = Place(
            folders: ["/w/.codex", "/w/.codex/a"],
            write: ["/w/.codex/a"],
            protect: [".codex"]
        )
        #expect(place.refusal().contains("lies in /w/.codex, which is protected"))
    }

    @Test func aProtectedFileWithSeveralNamesIsRefused() throws {
        var place = Place(files: ["/w/.envrc"], protect: [".envrc"], links: 2)
        #expect(place.refusal().contains("/w/.envrc has 2 names (hard links)"))
        place.links = 1
        #expect(try place.mounts() == ["workspace /w", "protected /w/.envrc"])
    }

    @Test func aDeniedFileWithSeveralNamesIsRefused() throws {
        var place = Place(files: ["/w/secret"], deny: ["/w/secret"], links: 2)
        #expect(place.refusal().contains("/w/secret has 2 names (hard links)"))
        place.links = 1
        #expect(try place.mounts() == ["workspace /w", "cover /w/secret"])
        // A folder's count is that of the folders in it.
        let folder = Place(folders: ["/w/secret"], deny: ["/w/secret"], links: 7)
        #expect(try folder.mounts() == ["workspace /w", "cover /w/secret"])
    }

    @Test func thePolicysOwnFileIsProtected() throws {
        var place = Place(folders: ["/w/rules"], files: ["/w/rules/p.toml"], policyFiles: ["/w/rules/p.toml"])
        #expect(try place.mounts() == ["workspace /w", "anchor /w/rules", "protected /w/rules/p.toml"])
        place.read = ["/w/rules"]
        #expect(try place.mounts() == ["workspace /w", "read /w/rules"])
        place.read = []
        place.protect = ["rules"]
        #expect(try place.mounts() == ["workspace /w", "protected /w/rules"])
        place.protect = []
        place.links = 2
        #expect(place.refusal().contains("hard links"))
        place.links = 1
        // Asked for as writable too: the file decides about the next launch, so it stays as it is.
        place.write = ["/w/rules/p.toml"]
        #expect(try place.mounts().suffix(2) == ["write /w/rules/p.toml", "protected /w/rules/p.toml"])
        let alone = Place(files: ["/p.toml"], write: ["/p.toml"], policyFiles: ["/p.toml"])
        #expect(alone.refusal().contains("is a writable path itself"))
    }

    /// What leads git past the protected settings, and what would replace a broken `.git`.
    @Test func aRepositoryIsHeldTogether() throws {
        var place = Place(
            folders: ["/w/.git", "/w/.git/hooks"],
            files: ["/w/.git/config"],
            protect: [".git/config", ".git/config.worktree", ".git/hooks"]
        )
        #expect(
            try place.mounts() == [
                "workspace /w", "anchor /w/.git", "cover /w/commondir", "cover /w/.git/commondir",
                "protected /w/.git/config", "cover /w/.git/config.worktree", "protected /w/.git/hooks",
            ]
        )
        place.files += ["/w/.git/commondir", "/w/.git/config.worktree"]
        place.folders.append("/w/commondir")
        #expect(
            try place.mounts() == [
                "workspace /w", "anchor /w/.git", "anchor /w/commondir", "protected /w/.git/commondir",
                "protected /w/.git/config", "protected /w/.git/config.worktree", "protected /w/.git/hooks",
            ]
        )
        place.folders = ["/w/.git", "/w/.git/hooks", "/w/.git/commondir"]
        place.files.removeAll { $0 == "/w/.git/commondir" }
        #expect(place.refusal().contains("/w/.git/commondir leads git to settings and hooks elsewhere"))
        place.folders.removeLast()
        place.files.append("/w/commondir")
        #expect(place.refusal().contains("give /w/commondir another name"))
    }

    @Test func withoutARepositoryNothingIsHeld() throws {
        #expect(try Place(protect: [".git/config", ".git/hooks"]).mounts() == ["workspace /w"])
    }

    @Test func aRepositoryByItselfIsNoWritableRoot() throws {
        var place = Place(folders: ["/w/objects", "/w/refs"], files: ["/w/HEAD"])
        #expect(place.refusal().contains("/w is itself a git repository"))
        place.files = []
        #expect(try place.mounts() == ["workspace /w"])
        let further = Place(folders: ["/r", "/r/objects", "/r/refs"], files: ["/r/HEAD"], read: ["/r"])
        #expect(try further.mounts().sorted() == ["read /r", "workspace /w"])
        let written = Place(folders: ["/r", "/r/objects", "/r/refs"], files: ["/r/HEAD"], write: ["/r"])
        #expect(written.refusal().contains("/r is itself a git repository"))
    }

    @Test(arguments: [
        ResolvedPath(written: "/w", real: "/w"), ResolvedPath(written: "/w/home", real: "/w/home"),
        ResolvedPath(written: "/home/ada", real: "/w/home"), ResolvedPath(written: "/w/home", real: "/srv/home"),
    ])
    func aHomeCountsUnderBothOfItsNames(home: ResolvedPath) {
        #expect(Place(homes: [home]).refusal().contains("is or contains the home folder \(home.written)"))
    }

    /// Whoever owns one of these: programs, their data and what is built with them are nobody's project.
    @Test(
        arguments: [
            "/usr/games", "/usr/local/games", "/usr/local/share", "/usr/local/etc", "/usr/local/include",
            "/usr/local/lib32",
            "/usr/local/lib64", "/usr/local/share/man/x", "/usr/bin", "/usr/lib64/x", "/usr/libx32", "/usr/sources",
            "/usr/local/source", "/lib64/x", "/bin/x", "/var/usrlocal/bin", "/var/usrlocal/games/x", "/etc/x",
            "/boot/efi",
        ] as [OSString]
    )
    func whatLiesInASystemFolderIsNoProject(path: OSString) throws {
        #expect(Place(workspace: path).refusal().contains("the workspace \(path) lies in the system folder /"))
        #expect(Place(folders: [path], write: [path]).refusal().contains("lies in the system folder /"))
        // To be read it may be shown.
        #expect(!Place(folders: [path], read: [path]).refusal().contains("system folder"))
    }

    @Test(arguments: ["/usr", "/usr/local", "/var/usrlocal", "/opt"] as [OSString])
    func aSystemFolderItselfIsNone(path: OSString) {
        #expect(Place(workspace: path).refusal().contains("is or contains the system folder /"))
    }

    @Test(
        arguments: [
            "/usr/src", "/usr/src/linux", "/usr/local/src", "/usr/local/src/x/y", "/var/usrlocal/src/x",
            "/var/home/ada/x",
            "/home/ada/x", "/srv/x", "/opt/x", "/usrlocal",
        ] as [OSString]
    )
    func sourcesAndHomesAreProjects(path: OSString) throws {
        #expect(try Place(folders: [path], workspace: path).mounts().contains("workspace \(path)"))
    }

    @Test(arguments: [
        ResolvedPath(written: "/", real: "/"), ResolvedPath(written: "/home/ada", real: "/srv/ada"),
        ResolvedPath(written: "/home/ada", real: "/"), ResolvedPath(written: "/wide", real: "/wide"),
    ])
    func aHomeElsewhereIsNoReason(home: ResolvedPath) throws {
        #expect(try Place(homes: [home]).mounts() == ["workspace /w"])
    }

    @Test(arguments: [
        ResolvedPath(written: "/state", real: "/w/state"), ResolvedPath(written: "/w/state", real: "/state"),
        ResolvedPath(written: "/state", real: "/w"), ResolvedPath(written: "/state/link", real: "/"),
    ])
    func ourOwnFoldersCountUnderBothNamesAndInBothDirections(own: ResolvedPath) throws {
        #expect(Place(own: [own]).refusal().contains("holds or lies in \(own.written)"))
        #expect(try Place(own: [ResolvedPath(written: "/state", real: "/srv/state")]).mounts() == ["workspace /w"])
    }

    /// Projects of the service lie in the state folder, where nothing is ours; only they, and only as workspaces.
    @Test(arguments: [
        ("/", true), ("/serve", false), ("/serve/workspaces", false), ("/evidence/x", false), ("/workspaces/x", false),
        ("/serve/workspacesx/x", false), ("/serve/workspaces/x", true), ("/serve/workspaces/x/y", true),
    ])
    func aProjectOfTheServiceIsAWorkspace(path: String, isOne: Bool) throws {
        let root = OSString(path == "/" ? "/w" : "/state\(path)")
        for own in [
            ResolvedPath(written: "/state", real: "/state"), ResolvedPath(written: "/link", real: "/state"),
            ResolvedPath(written: "/state", real: "/link"),
        ] {
            var place = Place(folders: [root], own: [own])
            place.workspace = root
            if isOne {
                #expect(try place.mounts().contains("workspace \(root)"))
            } else {
                #expect(place.refusal().contains("holds or lies in"))
            }
        }
        let other = Place(
            folders: ["/state/serve/workspaces/x"],
            read: ["/state/serve/workspaces/x"],
            own: [ResolvedPath(written: "/state", real: "/state")]
        )
        #expect(other.refusal().contains("holds or lies in"))
    }

    // MARK: - Denied paths that nobody asked to be shown

    @Test func whatThePlaceShowsByItselfIsDeniedToo() throws {
        var place = Place(folders: ["/etc/ssl", "/usr"], files: ["/etc/ssl/openssl.cnf", "/proc/cpuinfo"])
        place.deny = ["/proc/cpuinfo", "/etc/ssl/openssl.cnf"]
        #expect(try place.mounts() == ["workspace /w", "cover /proc/cpuinfo", "cover /etc/ssl/openssl.cnf"])
        // Nothing of it is there to be covered: see MountPlanner.
        place.deny = ["/etc/ssl"]
        #expect(try place.mounts() == ["workspace /w"])
        place.deny = ["/etc/ssl", "/etc/ssl/openssl.cnf"]
        #expect(try place.mounts() == ["workspace /w"])
        // Covered for every job, a process of the host's, nothing of the place's.
        place.deny = ["/proc/kcore", "/proc/1/environ", "/srv"]
        #expect(try place.mounts() == ["workspace /w"])
    }

    /// Nothing is made there, so nothing is to be covered; but for what somebody shows in its place.
    @Test func whatThePlaceMakesForItselfIsLeftOutAndNotCovered() throws {
        var place = Place(files: ["/etc/hosts"])
        place.deny = ["/etc/hosts", "/etc/gitconfig"]
        #expect(try place.mounts() == ["workspace /w"])
        place.read = ["/etc/hosts"]
        #expect(try place.mounts() == ["workspace /w", "read /etc/hosts", "cover /etc/hosts"])
    }

    @Test(arguments: ["/etc", "/proc", "/dev"] as [OSString])
    func whatEveryCommandNeedsCannotBeDenied(path: OSString) {
        #expect(Place(folders: [path], deny: [path]).refusal().contains("\(path) cannot be denied"))
    }

    @Test func aDeniedPathAroundARootIsARefusal() {
        let read = Place(folders: ["/r", "/r/a"], read: ["/r/a"], deny: ["/r"])
        #expect(read.refusal().contains("/r/a lies in /r, which is denied"))
        let write = Place(folders: ["/r", "/r/a"], write: ["/r/a"], deny: ["/r"])
        #expect(write.refusal().contains("/r/a lies in /r, which is denied"))
        #expect(Place(deny: ["/w"]).refusal().contains("the workspace /w is denied"))
    }
}
