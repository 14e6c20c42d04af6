internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// The repositories in a launch's writable folders as they were before it, for telling afterwards which are new.
struct RepositoryScan: Sendable {
    let places: RepositoryWalk.Places
    let before: RepositoryWalk.Found
    /// Nanoseconds on the clock that files have their time of birth from: what is older was there before the launch.
    let began: Int64
    /// Nil where it cannot be watched.
    private let clock: ClockWatch?

    /// Looks through the folders.
    ///
    /// - Parameters:
    ///   - policy: says which are writable, and what in them is not.
    ///   - request: names the workspace.
    init(_ policy: Policy, _ request: LaunchRequest) {
        clock = ClockWatch()
        began = cs_coarse_now()
        let (roots, closed) = PathInventory.searched(policy, request)
        // A denied name that is not there is covered by nothing: the job can make it.
        let covered = closed.filter { !policy.filesystem.deny.contains($0) || RepositoryScan.isThere($0) }
        places = RepositoryWalk.Places(roots: roots, closed: covered)
        before = RepositoryWalk.run(places)
    }

    /// The second in which it began, if a time of change since then can be told from one before it.
    ///
    /// That is: the look before saw everything, and nobody has set the clock. Whole seconds, because ext4 with inodes of 128
    /// bytes keeps no more.
    var settled: Int64? {
        guard before.unsearched.isEmpty, began != .max, let clock, !clock.wasSet() else { return nil }
        return began - began % 1_000_000_000
    }

    /// Also what cannot be looked at.
    private static func isThere(_ path: OSString) -> Bool {
        var found = cs_identity()
        return path.withPointer { cs_identify(FileReading.currentFolder, $0, &found) } != Int(-ENOENT)
    }
}
