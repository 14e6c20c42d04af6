internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Where the first steps of a plan lie for the next launch of the same user: `first-steps/UID-GID` in the cache folder.
///
/// Only speed depends on it: what lies there counts if it is the beginning of the next plan, and is written anew if not.
struct FirstStepsFile {
    private let folder: OSString

    /// Nil for a launch that does not look there (CShims/early.c), or without a cache folder.
    init?(cacheFolder: OSString?) {
        guard let cacheFolder, cs_early_usual() == 1 else { return nil }
        folder = cacheFolder.appending("first-steps")
    }

    /// Under a name of its own first, then renamed, so that nobody ever sees half of it.
    ///
    /// What cannot be written is not: the policy cache beside it has said so.
    func write(_ plan: LaunchPlan) {
        guard let steps = FirstSteps(of: plan) else { return }
        _ = folder.withPointer { mkdir($0, 0o700) }
        let number = folder.withPointer { open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
        guard number >= 0 else { return }
        let place = OwnedFileDescriptor(owning: number)
        var found = stat()
        guard fstat(place.number, &found) == 0, found.st_uid == geteuid(), found.st_mode & 0o077 == 0 else { return }
        let name = "\(plan.identity.uid)-\(plan.identity.gid)"
        let temporary = "\(name).\(getpid())"
        _ = unlinkat(place.number, temporary, 0)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = openat(place.number, temporary, flags, 0o600)
        guard file >= 0 else { return }
        let written = steps.bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        _ = close(file)
        if written != steps.bytes.count || renameat(place.number, temporary, place.number, name) != 0 {
            _ = unlinkat(place.number, temporary, 0)
        }
    }
}
