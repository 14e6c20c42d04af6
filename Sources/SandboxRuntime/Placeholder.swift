internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Something on the host that stands for a missing name while jobs run: a place needs something to put its cover on.
struct Placeholder: Hashable {
    enum Kind: Hashable, CaseIterable {
        /// An empty folder, mode 0755.
        case folder
        /// An empty file, mode 0444.
        case emptyFile
        /// A file that says what holds without it (`CommonFolder.own`), mode 0444.
        case commonFolder
    }

    var path: OSString
    var kind: Kind
}

extension Placeholder.Kind {
    /// What a file of this kind holds; nil for a folder.
    var contents: [UInt8]? {
        switch self {
        case .folder: nil
        case .emptyFile: []
        case .commonFolder: CommonFolder.own
        }
    }

    var mode: mode_t { self == .folder ? 0o755 : 0o444 }

    /// For reading and locking; never waits for what is no regular file.
    var openFlags: UInt64 {
        self == .folder
            ? UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY | CS_O_NOFOLLOW)
            : UInt64(O_RDONLY | O_NONBLOCK | O_NOCTTY) | UInt64(CS_O_NOFOLLOW)
    }

    /// The name under which one waits in our state folder: a file must not take that of a folder.
    func spareName(_ name: OSString) -> OSString {
        switch self {
        case .folder: name
        case .emptyFile: "file:empty"
        case .commonFolder: "file:commondir"
        }
    }

    /// Makes one: 0, or -errno (EEXIST: something stands there).
    func make(_ name: UnsafePointer<CChar>, in parent: Int32) -> Int32 {
        guard let contents else {
            guard mkdirat(parent, name, mode) == 0 else { return -errno }
            // Whatever our umask is, others must be able to open it, or they could not lock it (HeldNames).
            let number = cs_openat2(parent, name, openFlags, 0, UInt64(CS_RESOLVE_NO_SYMLINKS))
            guard number >= 0 else { return Int32(number) }
            let made = OwnedFileDescriptor(owning: Int32(number))
            return fchmod(made.number, mode) == 0 ? 0 : -errno
        }
        let flags = UInt64(O_WRONLY | O_CREAT | O_EXCL) | UInt64(CS_O_NOFOLLOW)
        let number = cs_openat2(parent, name, flags, UInt64(mode), UInt64(CS_RESOLVE_NO_SYMLINKS))
        guard number >= 0 else { return Int32(number) }
        let made = OwnedFileDescriptor(owning: Int32(number))
        let written = contents.withUnsafeBytes { write(made.number, $0.baseAddress, $0.count) }
        if written == contents.count && fchmod(made.number, mode) == 0 { return 0 }
        let reason = written < 0 || written == contents.count ? errno : ENOSPC
        _ = unlinkat(parent, name, 0)
        return -reason
    }

    func remove(_ name: UnsafePointer<CChar>, from parent: Int32) -> Int32 {
        unlinkat(parent, name, self == .folder ? AT_REMOVEDIR : 0) == 0 ? 0 : -errno
    }

    /// Whether an open one has nothing in it that is anybody's: no entry, or exactly what we put into such a file.
    ///
    /// - Parameters:
    ///   - number: open for reading.
    ///   - again: whether it has been looked at before.
    /// - Returns: whether there is nothing.
    func isBare(_ number: Int32, again: Bool = false) -> Bool {
        guard let contents else {
            return (!again || lseek(number, 0, SEEK_SET) == 0) && cs_is_empty_folder(number) == 1
        }
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size == contents.count else {
            return false
        }
        if contents.isEmpty { return true }
        var found = [UInt8](repeating: 0, count: contents.count)
        return pread(number, &found, found.count, 0) == contents.count && found == contents
    }

    /// Whether an open one is as we make it: nobody has given it to others, and it has no further name.
    func isAsMade(_ number: Int32) -> Bool {
        var status = stat()
        guard fstat(number, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o7777 == mode else {
            return false
        }
        // Some file systems count one name for every folder (btrfs).
        return status.st_nlink <= (self == .folder ? 2 : 1) && isBare(number)
    }

    /// Whether an open file is one of ours, however far its making came; of a folder only rmdir(2) is asked.
    func isRemovable(_ number: Int32) -> Bool {
        guard self != .folder else { return true }
        var status = stat()
        return fstat(number, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_uid == geteuid()
            && status.st_nlink == 1 && (status.st_size == 0 || isBare(number))
    }
}

extension LaunchPlan {
    /// What is made on the host before the launch.
    var hostPlaceholders: [Placeholder] {
        var found: [Placeholder] = []
        for case .cover(let inside, let cover) in steps {
            let path = hostPath(inside)
            switch cover {
            case .emptyFolder where placeholders.contains(path): found.append(Placeholder(path: path, kind: .folder))
            case .emptyFile: found.append(Placeholder(path: path, kind: .emptyFile))
            case .ownCommonFolder: found.append(Placeholder(path: path, kind: .commonFolder))
            case .emptyFolder, .unreadableFile, .unreadableFolder, .itselfReadOnly: continue
            }
        }
        return found
    }

    /// Names that are there and mounts stand on: another run may have put them there, and take them away.
    var standingNames: [StandingName] {
        let writable = writablePaths
        var found: [StandingName] = []
        for step in steps {
            switch step {
            case .bind(let bind) where bind.purpose == .protected && bind.isDirectory:
                found.append(StandingName(bind.source, .folder, isNeeded: true))
            case .bind(let bind) where bind.purpose == .protected && bind.target.lastComponent == CommonFolder.name:
                found.append(StandingName(bind.source, .commonFolder, isNeeded: true))
            case .bind(let bind) where bind.purpose == .protected && bind.target.lastComponent == "config.worktree":
                found.append(StandingName(bind.source, .emptyFile, isNeeded: true))
            case .bind(let bind) where bind.purpose == .anchor && bind.target.lastComponent == CommonFolder.name:
                found.append(StandingName(bind.source, .folder, isNeeded: true))
            case .cover(let path, let cover)
            where (cover == .unreadableFolder || cover == .unreadableFile)
                && writable.contains { hostPath(path).isWithin($0) }:
                found.append(StandingName(hostPath(path), .folder, isNeeded: false))
            default: continue
            }
        }
        return found
    }

    /// Folders in which the job may write.
    var writableFolders: [OSString] {
        var folders: [OSString] = []
        for case .bind(let bind) in steps where bind.isDirectory && !bind.options.contains(.readOnly) {
            if bind.purpose == .workspace || bind.purpose == .write { folders.append(bind.source) }
        }
        return folders
    }
}

/// A name that was there before the launch.
struct StandingName {
    var placeholder: Placeholder
    /// Whether a launch makes no sense when it cannot be kept where it is; of a denied name nothing else is known.
    var isNeeded: Bool

    init(_ path: OSString, _ kind: Placeholder.Kind, isNeeded: Bool) {
        placeholder = Placeholder(path: path, kind: kind)
        self.isNeeded = isNeeded
    }
}
