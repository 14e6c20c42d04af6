internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Takes away what a job has planted, and nothing that was there before it.
///
/// Everything goes by descriptor from the writable folder down, never over a link, never onto another file system. What has
/// a time of birth from before the launch stays, as does everything where the file system tells none; so does what does not
/// belong to whom the job ran as. As root it is done with that user's rights. Of a repository `HEAD` goes first, by one
/// unlink(2): ended at any moment, this leaves either what the job made or a folder that git does not obey.
struct PlantRemoval {
    struct Plant {
        var path: OSString
        /// The writable folder that it is in.
        var root: OSString
        /// Nil for a protected name that is no repository.
        var kind: HostRepository.Kind?
    }

    /// Nanoseconds; what is older was there before the job.
    private let began: Int64
    /// Nanoseconds; what is younger came after the job.
    private let ended: Int64
    private let owner: UInt32
    private let group: UInt32
    /// Folders below each other; what is deeper stays.
    private static let depth = 100

    /// - Parameters:
    ///   - began: when the launch looked at its folders.
    ///   - ended: when no process of the job was left; by default now.
    ///   - owner: whom the job ran as.
    ///   - group: the same.
    ///   - isRoots: files that the job made belong to root.
    init(since began: Int64, until ended: Int64 = .max, owner: UInt32, group: UInt32, isRoots: Bool) {
        self.began = began
        self.ended = ended
        self.owner = isRoots ? 0 : owner
        self.group = isRoots ? 0 : group
    }

    /// Those of the plants that are gone; a repository is when git does not take it for one any more.
    func remove(_ plants: [Plant]) -> [OSString] {
        // The way to a folder may be root's alone.
        var tops: [Int32] = []
        for plant in plants { tops.append(Int32(ClosedFolder.descriptor(plant.root))) }
        defer { for top in tops where top >= 0 { _ = close(top) } }
        func removed() -> [OSString] {
            plants.indices.filter { remove(plants[$0], below: tops[$0]) }.map { plants[$0].path }
        }
        guard geteuid() == 0, owner != 0 else { return removed() }
        let before = cs_act_on_files_as(owner, group)
        if before < 0 { return [] }
        let removed = removed()
        // Without root's rights no launch could be ended in order, nor another one begun.
        precondition(cs_act_on_files_as_root(before) == 0, "root's own rights on files are back")
        return removed
    }

    private func remove(_ plant: Plant, below top: Int32) -> Bool {
        guard top >= 0 else { return false }
        open(top)
        let way = OSString(plant.path.parent.bytes.dropFirst(plant.root.bytes.count + 1))
        let around = way.isEmpty ? cs_duplicate(top) : folder(way, below: top, isWithin: false)
        guard around >= 0 else { return false }
        let parent = OwnedFileDescriptor(owning: Int32(around))
        open(parent.number)
        let name = plant.path.lastComponent
        if plant.kind == .bare {
            disarm(name, in: parent.number)
            return !isRepository(name, in: parent.number)
        }
        // HEAD before all the rest.
        if plant.kind == .folder { removeEntry("HEAD", inside: name, of: parent.number) }
        remove(name, in: parent.number, depth: 0)
        if isMissing(name, in: parent.number) { return true }
        // Something of before is in it, or it is itself from before.
        guard plant.kind == .folder || plant.kind == .partial, !isRepository(name, in: parent.number) else {
            return false
        }
        // Files of before that the job has moved in are settings as well, as soon as somebody types `git init`.
        let settings: [OSString] = ["config", "hooks", "commondir"]
        return settings.allSatisfy { isMissing(name.appending($0), in: parent.number) }
    }

    /// Of a folder that has become a repository only what makes it one: all else in it may be anything.
    private func disarm(_ name: OSString, in parent: Int32) {
        for piece in ["HEAD", "commondir", "config", "config.worktree", "hooks"] as [OSString] {
            removeEntry(piece, inside: name, of: parent)
        }
        // A HEAD of before stays, and is none without these.
        for piece in ["refs", "objects"] as [OSString] where isRepository(name, in: parent) {
            removeEntry(piece, inside: name, of: parent)
        }
    }

    private func removeEntry(_ piece: OSString, inside name: OSString, of parent: Int32) {
        let number = folder(name, below: parent, isWithin: true)
        guard number >= 0 else { return }
        let inner = OwnedFileDescriptor(owning: Int32(number))
        open(inner.number)
        remove(piece, in: inner.number, depth: 0)
    }

    // MARK: -

    /// Removes a name, and what is in it, as far as it is the job's.
    private func remove(_ name: OSString, in parent: Int32, depth: Int) {
        var found = cs_identity()
        guard name.withPointer({ cs_identify(parent, $0, &found) }) == 0, found.uid == owner else { return }
        let isNew = found.born_ns != 0 && found.born_ns >= began && found.born_ns <= ended
        guard found.mode & S_IFMT == S_IFDIR else {
            if isNew { _ = name.withPointer { unlinkat(parent, $0, 0) } }
            return
        }
        let number = folder(name, below: parent, isWithin: true)
        guard number >= 0, depth < PlantRemoval.depth else { return }
        let inner = OwnedFileDescriptor(owning: Int32(number))
        var opened = cs_identity()
        // Another one by now: not what was looked at.
        guard cs_identify(inner.number, "", &opened) == 0, opened.inode == found.inode, opened.device == found.device
        else { return }
        open(inner.number)
        for entry in entries(inner.number) { remove(entry, in: inner.number, depth: depth + 1) }
        if isNew { _ = name.withPointer { unlinkat(parent, $0, AT_REMOVEDIR) } }
    }

    /// Names in a folder; of one that cannot be listed, none.
    private func entries(_ folder: Int32) -> [OSString] {
        let number = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return [] }
        let listed = OwnedFileDescriptor(owning: number)
        var names: [OSString] = []
        do throws(SyscallError) {
            try FolderEntries.each(in: listed.number, named: "") { (entry) throws(SyscallError) in
                names.append(entry.copy)
                return true
            }
        } catch { return names }
        return names
    }

    /// O_PATH descriptor of a folder below another one, or -errno.
    ///
    /// - Parameters:
    ///   - path: relative.
    ///   - parent: where it begins.
    ///   - isWithin: whether it has to be on the same file system.
    /// - Returns: the descriptor.
    private func folder(_ path: OSString, below parent: Int32, isWithin: Bool) -> Int {
        let noOtherMount: UInt64 = isWithin ? 0x01 : 0  // RESOLVE_NO_XDEV
        let resolve = UInt64(CS_RESOLVE_BENEATH | CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS) | noOtherMount
        return path.withPointer { cs_openat2(parent, $0, UInt64(CS_O_PATH | CS_O_DIRECTORY), 0, resolve) }
    }

    /// Takes back what the job may have taken from its own folder.
    private func open(_ folder: Int32) {
        var found = cs_identity()
        guard cs_identify(folder, "", &found) == 0, found.uid == owner, found.mode & 0o700 != 0o700 else { return }
        _ = chmod("/proc/self/fd/\(folder)", found.mode & 0o7777 | 0o700)
    }

    private func isMissing(_ name: OSString, in parent: Int32) -> Bool {
        var found = cs_identity()
        return name.withPointer { cs_identify(parent, $0, &found) } == Int(-ENOENT)
    }

    /// Whether git would take a folder for a repository; one that cannot be looked at counts as one.
    private func isRepository(_ name: OSString, in parent: Int32) -> Bool {
        func isThere(_ piece: OSString) -> Bool { !isMissing(name.appending(piece), in: parent) }
        return isThere("HEAD") && (isThere("commondir") || isThere("objects") && isThere("refs"))
    }
}
