internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// What a job has planted in writable folders, dealt with as `filesystem.on_new` has it: protected names that were missing, and
/// repositories.
///
/// To be made when no process of the job is left; the covers may still be there.
struct Planted {
    /// All of it, the names first.
    private(set) var made: [OSString] = []
    /// Of these what has been taken away.
    private(set) var removed: [OSString] = []
    /// Of what is in these nothing is claimed.
    private(set) var unseen: [OSString] = []
    private let repositories: [OSString]
    private let onNew: OnNew
    /// A repository in the place of one that was kept from the job: whatever the policy says, this is no new one to be told.
    private let replacing: [OSString]

    /// - Parameters:
    ///   - names: what became of the names that were missing.
    ///   - preparation: the policy, and the repositories of before.
    init(_ names: PlantedNames.Found, _ preparation: borrowing Preparation) {
        onNew = preparation.policy.onNew
        made = names.made
        unseen = names.unseen
        guard let scan = preparation.scan else {
            (repositories, replacing) = ([], [])
            return
        }
        let (found, unsearched) = scan.new()
        repositories = found.map(\.path)
        let kept = scan.before.repositories.filter { $0.kind != .link }.map(\.path)
        replacing = found.filter { $0.kind == .bare && kept.contains($0.path.appending(".git")) }.map(\.path)
        let roots = scan.places.roots
        // Names are told by themselves, be a repository there or not.
        var all = names.made.map { name in
            PlantRemoval.Plant(
                path: name,
                root: roots.filter { name.isWithin($0) }.max { $0.depth < $1.depth } ?? name.parent,
                // It was not there before: dressed as a repository, too, all of it goes.
                kind: name.lastComponent == ".git" ? .folder : nil
            )
        }
        for repository in found where !made.contains(repository.path) {
            made.append(repository.path)
            all.append(PlantRemoval.Plant(path: repository.path, root: repository.root, kind: repository.kind))
        }
        unseen += unsearched.filter { !unseen.contains($0) }
        let told = onNew == .report
        all.removeAll { plant in told && !replacing.contains(plant.path) }
        if all.isEmpty { return }
        let removal = PlantRemoval(
            since: scan.began,
            owner: preparation.plan.identity.uid,
            group: preparation.plan.identity.gid,
            isRoots: preparation.plan.identity.mapsRootOwnedWorkspace
        )
        removed = removal.remove(all)
    }

    /// What is still there although it was to be taken away.
    private var remaining: [OSString] {
        (onNew == .report ? replacing : made).filter { !removed.contains($0) }
    }

    /// Why the launch has failed by it, in words; nil when it has not.
    var failure: String? {
        if let first = remaining.first { return "the job made \(first), which could not be removed" }
        if let first = replacing.first { return "the job made \(first) a repository in the place of its own" }
        if onNew == .report { return nil }
        if let first = unseen.first { return "what the job made in \(first) could not be seen" }
        guard onNew == .fail, let first = made.first else { return nil }
        return "the job made \(first)" + (removed.contains(first) ? ", which was removed" : "")
    }

    /// The outcome with that in it: a job that went wrong by itself stays what it is.
    func outcome(after outcome: Outcome) -> Outcome {
        guard let failure else { return outcome }
        switch outcome {
        case .exited, .signalled: return .protectionLost(what: failure, afterEnd: true)
        case .timedOut, .memoryExceeded, .diskExceeded, .outputExceeded, .protectionLost, .interrupted, .refused,
            .notExecuted:
            return outcome
        }
    }

    /// A line for each, for a person.
    var words: [String] {
        let told = made.map { path in
            let what =
                repositories.contains(path) && path.lastComponent != ".git"
                ? "the repository \(path), whose settings git trusts" : "\(path), which tools trust"
            if removed.contains(path) { return "the job made \(what) without asking: it was removed" }
            let isStill = remaining.contains(path) ? ", and it is STILL there" : ""
            return "the job made \(what) without asking\(isStill): look at it before you work there"
        }
        return told
            + unseen.map {
                "\($0) was closed to us, or holds too much; what the job made there is not known: look before you work there"
            }
    }
}

extension HostRepository {
    /// Whether it is the same folder, whatever has become of it.
    fileprivate func isSame(as other: HostRepository) -> Bool {
        path == other.path && device == other.device && inode == other.inode && born == other.born
    }

    /// Whether a path lies in a part of it that the look before a launch leaves out (`RepositoryWalk`).
    fileprivate func hides(_ inner: OSString) -> Bool {
        let parts: [OSString] = ["objects", "refs", "logs"]
        return parts.contains { inner.isWithin(path.appending($0)) }
    }
}

extension RepositoryScan {
    /// The repositories that are there now and were not before, and folders of which that is not known.
    ///
    /// Where the look before the launch did not see everything, only what has come into being since counts as new.
    func new() -> (found: [HostRepository], unsearched: [OSString]) {
        let known = before.repositories
        let settled = settled
        var after = RepositoryWalk.run(places, known: known, settled: settled)
        // Somebody has moved a root away: what the job made in it is elsewhere, and what has its path now is another one.
        let moved = places.roots.filter { before.folder(of: $0) != after.folder(of: $0) }
        // One that is gone may have been moved by what changes no folder's time (XFS: two names exchanged).
        let isGone = !known.allSatisfy { old in after.repositories.contains { $0.isSame(as: old) } }
        if settled != nil, isGone || !moved.isEmpty { after = RepositoryWalk.run(places, known: known) }
        let isComplete = before.unsearched.isEmpty
        let found = after.repositories.filter { repository in
            if known.contains(repository) { return false }
            // What is left of one that was kept from the job and then broken: its settings are those of before.
            if repository.kind == .partial, known.contains(where: { $0.kind == .folder && $0.isSame(as: repository) }) {
                return false
            }
            // In what git keeps to itself nobody looked before: there, too, only what is new counts.
            if isComplete && !known.contains(where: { $0.hides(repository.path) }) { return true }
            let birth = RepositoryScan.birth(of: repository.path)
            return birth == 0 || birth >= began
        }
        let unsearched = after.unsearched.map(\.path).filter { path in !before.unsearched.contains { $0.path == path } }
        // Of one that was there nobody can say whether the job has changed it: nothing is claimed of it, in either way.
        let unsure = after.repositories.filter { $0.kind == .partial && $0.changed == .max && known.contains($0) }
        let lost = moved + after.overflowing.filter { !moved.contains($0) }
        return (found, lost + (unsearched + unsure.map(\.path)).filter { !lost.contains($0) })
    }

    /// 0 where it is not known.
    private static func birth(of path: OSString) -> Int64 {
        var found = cs_identity()
        return path.withPointer { cs_identify(FileReading.currentFolder, $0, &found) } == 0 ? found.born_ns : 0
    }
}
