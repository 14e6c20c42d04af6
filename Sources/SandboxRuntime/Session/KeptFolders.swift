internal import SandboxKernel
internal import SandboxPlan

/// Folders that are kept from the job whole, because they are protected or denied: what is in them has no second name.
///
/// A mount over the folder holds the names in it; by a hard link outside (link(2)) the same file would be changed or read.
/// Single files were looked at for the plan.
enum KeptFolders {
    /// - Parameter plan: its mounts need not stand yet: a job can make no such link, the folders are mounts to it (EXDEV).
    /// - Throws: `Refusal` for the first file with a name elsewhere, and for a folder that cannot be looked through.
    static func check(_ plan: LaunchPlan) throws(Refusal) {
        var links = HardLinks()
        for step in plan.steps {
            switch step {
            case .bind(let bind) where bind.purpose == .protected && bind.isDirectory:
                try check(bind.source, "the job could change it by another one", &links)
            case .cover(let path, .unreadableFolder) where !path.isWithin("/proc"):
                try check(plan.hostPath(path), "it stays readable by another one", &links)
            case .privatePropagation, .newRoot, .makeFolders, .symlink, .writeFile, .bind, .cover, .tmpfs, .procfs,
                .rootOnly, .devpts, .remount, .enterRoot, .hostname, .loopbackUp, .forbidUserNamespaces, .freshKeyring,
                .limit,
                .attributes, .dropCapabilities, .noNewPrivileges, .landlock, .placeFilter, .terminals:
                continue
            }
        }
    }

    private static func check(
        _ folder: OSString,
        _ consequence: String,
        _ links: inout HardLinks
    ) throws(Refusal) {
        let found: HardLinks.Finding?
        do throws(HardLinks.Failure) {
            found = try links.first(outside: folder)
        } catch {
            switch error {
            case .call(let error):
                throw Refusal(
                    stage: "plan",
                    step: error.call,
                    subject: error.subject,
                    errno: error.errno,
                    message: "whether a file in \(folder) has a name outside of it could not be found out",
                    remedy: "make everything in \(folder) readable for yourself, or move it out of the job's reach",
                    layer: .mounts
                )
            case .tooMany(let limit):
                throw Refusal(
                    stage: "plan",
                    subject: folder.description,
                    message:
                        "the protected and denied folders, among them \(folder), hold more than \(limit) entries, too "
                        + "many to see before a launch that none of them has a name (hard link) elsewhere",
                    remedy: "move what is large in \(folder) out of what the job is shown",
                    layer: .mounts
                )
            }
        }
        guard let found else { return }
        throw Refusal(
            stage: "plan",
            subject: found.path.description,
            message:
                "\(found.path) has \(found.names) names (hard links), \(found.outside) of them outside \(folder), and "
                + consequence,
            remedy: "give it one name: remove the others (`find -samefile` finds them), or put a copy in its place",
            layer: .mounts
        )
    }
}
