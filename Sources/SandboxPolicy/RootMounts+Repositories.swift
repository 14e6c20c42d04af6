internal import SandboxPlan

/// Repositories deeper in writable folders: git on the host obeys them as it does the folder's own.
extension RootMounts {
    /// Keeps from the job what git obeys in each that was found.
    ///
    /// What cannot be kept is told, and looked for when the job is gone; where the policy does not leave it at telling, it is a
    /// refusal.
    mutating func holdRepositories(_ result: inout MountPlanner.Result) throws(Refusal) {
        let nested = host.repositories.prefix(PathInventory.mostRepositories).filter { !$0.isRootsOwn }
        for repository in nested where roots.isWritable(repository.path) && !isCoveredByDenial(repository.path) {
            do throws(Refusal) {
                try hold(repository, &result)
            } catch {
                result.warnings.append("the repository \(repository.path) is not kept from the job: \(error.message)")
            }
        }
        let rest = host.repositories.dropFirst(PathInventory.mostRepositories)
        if let first = rest.first {
            result.warnings.append(
                "\(rest.count) repositories are not kept from the job, \(first.path) among them: there are more than "
                    + "\(PathInventory.mostRepositories) in the writable folders"
            )
        }
        for folder in host.unsearched {
            result.warnings.append("repositories in \(folder.path) may not be kept from the job: \(folder.why)")
        }
    }

    private mutating func hold(_ repository: HostRepository, _ result: inout MountPlanner.Result) throws(Refusal) {
        switch repository.kind {
        // Nothing can stand on a link; another one, or a folder in its place, is found afterwards.
        // Nor is a partial one a repository to anybody now: what becomes of it is found, too.
        case .link, .partial: return
        case .bare: try holdOwnFolder(repository, &result)
        case .folder, .pointer:
            let work = repository.path.parent
            // Every folder on the way becomes a mount point, `.git` among them.
            guard
                try hold(from: repository.root, to: repository.path.appending("config")) || repository.kind == .pointer
            else { return }
            if !works.contains(work) { works.append(work) }
            try holdSettings(of: work, &result)
            try protect(work, &result)
            try holdLayout(of: work, &result)
        }
    }

    /// A bare repository, or the folder of a submodule or a worktree, in which git has its settings under their own names.
    private mutating func holdOwnFolder(
        _ repository: HostRepository,
        _ result: inout MountPlanner.Result
    ) throws(Refusal) {
        let folder = repository.path
        let config = folder.appending("config")
        if isProtected(folder) { return }
        guard try hold(from: repository.root, to: config) else { return }
        let common = folder.appending(CommonFolder.name)
        // A worktree's: settings and hooks are those of the folder that this file names.
        var isWorktree = false
        switch host.entry(common) {
        // Where there is a `commondir`, git does not ask whether a repository is bare: on the host it would check out into
        // the caller's folder while the job runs. Of a submodule's folder the work tree is known by its `.git` file.
        case .absent where !isOfSubmodule(folder): break
        case .absent: cover(common, with: .ownCommonFolder, &result)
        case .file(let identity):
            isWorktree = true
            try checkLinks(identity, common, "the job could change it by another one")
            add(common, planner.bind(common, identity, false, .protected))
        case let entry: throw planner.unusable(common, entry, "a file of its own")
        }
        let worktree = folder.appending("config.worktree")
        switch host.entry(worktree) {
        case .absent: cover(worktree, with: .emptyFile, &result)
        case .file(let identity):
            try checkLinks(identity, worktree, "the job could change it by another one")
            add(worktree, planner.bind(worktree, identity, false, .protected))
        case let entry: throw planner.unusable(worktree, entry, "a file of its own")
        }
        if isWorktree { return }
        switch host.entry(config) {
        case .file(let identity):
            try checkLinks(identity, config, "the job could change it by another one")
            add(config, planner.bind(config, identity, false, .protected))
        case .absent:
            throw refusal(config, "it has no config file, and git takes one from there", "make it a whole repository")
        case let entry: throw planner.unusable(config, entry, "a file of its own")
        }
        let hooks = folder.appending("hooks")
        switch host.entry(hooks) {
        case .directory(let identity): add(hooks, planner.bind(hooks, identity, true, .protected))
        case .absent: cover(hooks, with: .emptyFolder, &result)
        case let entry: throw planner.unusable(hooks, entry, "a folder of its own")
        }
    }

    /// `…/.git/modules/NAME`.
    private func isOfSubmodule(_ folder: OSString) -> Bool {
        var around = folder.parent
        while around.depth > 1 {
            if around.lastComponent == "modules" && around.parent.lastComponent == PathInventory.gitFolder {
                return true
            }
            around = around.parent
        }
        return false
    }

    /// Whether all of it is read-only by the policy's own names.
    private func isProtected(_ folder: OSString) -> Bool {
        roots.writable.contains { root in
            policy.filesystem.protect.contains { folder.isWithin(root.appending($0)) }
        }
    }

    /// `workspace.git = "none"`: there is no repository, and `.git` is covered.
    func checkNoRepository() throws(Refusal) {
        guard policy.git == .none else { return }
        func refusal(_ path: OSString, _ message: String) -> Refusal {
            self.refusal(
                path,
                "\(message), and the policy says that there is none (workspace.git)",
                "take a folder without one, remove it, or write workspace.git = \"keep\""
            )
        }
        if let first = host.repositories.first { throw refusal(first.path, "there is a repository: \(first.path)") }
        if let first = host.unsearched.first {
            throw refusal(first.path, "there may be a repository in \(first.path): \(first.why)")
        }
    }
}

extension Policy {
    /// With `git = "none"` the name `.git` is kept from the job as protected names are, whether it is there or not.
    var withGitCovered: Policy {
        guard git == .none else { return self }
        var policy = self
        if !policy.filesystem.protect.contains(PathInventory.gitFolder) {
            policy.filesystem.protect.append(PathInventory.gitFolder)
        }
        policy.filesystem.coverMissing.append(PathInventory.gitFolder)
        return policy
    }
}
