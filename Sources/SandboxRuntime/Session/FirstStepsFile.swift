internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Where the first steps of a plan lie for the next launch of the same user: `first-steps/UID-GID` in the cache folder.
///
/// Only speed depends on it: what lies there counts if it is the beginning of the next plan, and is written anew if not.
struct FirstStepsFile {
    private let cache: OSString

    /// Nil for a launch that does not look there (CShims/early.c), or without a cache folder.
    init?(cacheFolder: OSString?) {
        guard let cacheFolder, cs_early_usual() == 1 else { return nil }
        cache = cacheFolder
    }

    /// Under a name of its own first, then renamed, so that nobody ever sees half of it.
    ///
    /// What cannot be written is not: the policy cache beside it has said so.
    func write(_ plan: LaunchPlan) {
        guard let steps = FirstSteps(of: plan), let place = opened() else { return }
        let name = FirstStepsFile.name(plan)
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

    /// A launch that began with them was refused: the next one begins without.
    func remove(_ plan: LaunchPlan) {
        guard let place = opened() else { return }
        _ = unlinkat(place.number, FirstStepsFile.name(plan), 0)
    }

    private static func name(_ plan: LaunchPlan) -> String { "\(plan.identity.uid)-\(plan.identity.gid)" }

    /// The folder, made when it is missing; nil unless cache and folder are our own, reached without a link.
    private func opened() -> OwnedFileDescriptor? {
        let flags = UInt64(O_RDONLY | O_DIRECTORY)
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let cache = self.cache.withPointer { cs_openat2(AT_FDCWD, $0, flags, 0, resolve) }
        guard cache >= 0 else { return nil }
        let parent = OwnedFileDescriptor(owning: Int32(cache))
        guard FirstStepsFile.isOwn(parent.number) else { return nil }
        _ = mkdirat(parent.number, "first-steps", 0o700)
        let number = openat(parent.number, "first-steps", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let place = OwnedFileDescriptor(owning: number)
        if FirstStepsFile.isOwn(place.number) { return place }
        return nil
    }

    private static func isOwn(_ folder: Int32) -> Bool {
        var found = stat()
        return fstat(folder, &found) == 0 && found.st_uid == geteuid() && found.st_mode & 0o077 == 0
    }
}
