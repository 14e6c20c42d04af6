internal import SandboxKernel
internal import SandboxPlan

/// Sockets that something outside listens on, in what the place shows (threat E5): a job could talk to it.
enum ShownSockets {
    /// - Parameters:
    ///   - plan: its mounts need not stand yet.
    ///   - allowed: paths that the policy lets the job reach.
    /// - Throws: `Refusal` when there is one, or when it cannot be said that there is none.
    static func check(_ plan: LaunchPlan, allowed: [OSString]) throws(Refusal) {
        let roots = roots(plan)
        if roots.isEmpty { return }
        let result: SocketScan.Result
        do throws(SyscallError) {
            let worker = SocketScan.Worker(uid: plan.identity.uid, gid: plan.identity.gid)
            result = try SocketScan.found(in: roots, allowed: allowed, worker: worker)
        } catch {
            throw Refusal(
                stage: "plan",
                step: error.call,
                subject: error.subject,
                errno: error.errno,
                message: "the host's sockets could not be listed",
                remedy:
                    "see that /proc/net/unix and /proc/self/mountinfo can be read, and that nobody moves what is shown",
                layer: .mounts
            )
        }
        if let first = result.paths.first {
            let more = result.paths.count > 1 ? " (and \(result.paths.count - 1) more)" : ""
            throw Refusal(
                stage: "plan",
                subject: first.description,
                message: "something outside listens on the socket \(first)\(more), and the job could talk to it",
                remedy: "stop it, move the socket (remove it if nothing listens any more), or allow it with "
                    + "filesystem.unix_sockets in a policy file",
                layer: .mounts
            )
        }
        if let first = result.unplaced.first {
            let name = first.name.isEmpty ? "a name that cannot be read" : "the name \(first.name)"
            throw Refusal(
                stage: "plan",
                subject: first.name.description,
                message:
                    "\(result.unplaced.count) sockets of the host could not be placed: they are not where they were "
                    + "bound (the first one by \(name)), and the folders that the job is shown are too large, or closed, "
                    + "to see that they are not in there",
                remedy: "name them in filesystem.unix_sockets in a policy file, stop what listens there, or show less",
                layer: .mounts
            )
        }
    }

    /// The folders that are shown; what is mounted inside them for another reason lies in them.
    private static func roots(_ plan: LaunchPlan) -> [SocketScan.Root] {
        var roots: [SocketScan.Root] = []
        for case .bind(let bind) in plan.steps where bind.isDirectory {
            switch bind.purpose {
            case .workspace, .read, .write: roots.append(SocketScan.Root(path: bind.source, isSearched: true))
            case .system, .settings, .containerProc: roots.append(SocketScan.Root(path: bind.source, isSearched: false))
            case .device, .anchor, .protected: continue
            }
        }
        return roots
    }
}
