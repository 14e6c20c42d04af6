internal import CShims
internal import Glibc
internal import SandboxPlan

/// Where one bound socket is, as far as its own name tells.
enum SocketPlace: Hashable {
    /// It has one name, and that is not shown.
    case elsewhere
    /// At this path in a shown folder, its only name.
    case shown(OSString)
    /// Its name does not lead to it, or not only its name: it was renamed, linked, bound by a relative name, or nobody
    /// may look there. Whoever owns a name can make it any error at all, so that no error says more than this.
    case unknown

    /// Entries of the socket's own folder that are looked at, where its name is gone: programs bind by a temporary name and
    /// rename it (ssh's ControlPath).
    private static let folderLimit = 1000

    /// - Parameters:
    ///   - socket: as listed.
    ///   - written: its `path`.
    ///   - folders: what is shown.
    ///   - beside: whether to look in its folder for another name too, which takes longer.
    init(_ socket: BoundSocket, _ written: OSString?, _ folders: ShownFolders, beside: Bool) {
        self = .unknown
        guard let written else {
            if socket.name.isAbsolute { look(at: socket.name, isNormalised: false, socket, folders) }
            return
        }
        look(at: written, isNormalised: true, socket, folders)
        if beside, case .unknown = self, socket.file != nil { lookBeside(written, socket, folders) }
    }

    private mutating func look(
        at path: OSString,
        isNormalised: Bool,
        _ socket: BoundSocket,
        _ folders: ShownFolders
    ) {
        let flags = UInt64(CS_O_PATH | CS_O_NOFOLLOW)
        let noMagic = UInt64(CS_RESOLVE_NO_MAGICLINKS)
        var isReal = isNormalised
        var number = -Int(ELOOP)
        if isReal {
            let resolve = noMagic | UInt64(CS_RESOLVE_NO_SYMLINKS)
            number = path.withCString { cs_openat2(FileReading.currentFolder, $0, flags, 0, resolve) }
        }
        if number == -Int(ELOOP) {
            isReal = false
            number = path.withCString { cs_openat2(FileReading.currentFolder, $0, flags, 0, noMagic) }
        }
        guard number >= 0 else { return }
        let file = OwnedFileDescriptor(owning: Int32(number))
        var identity = cs_identity()
        guard cs_identify(file.number, "", &identity) == 0 else { return }
        if isReal {
            settle(path, identity, socket, folders)
        } else {
            do throws(SyscallError) {
                settle(try FileReading.path(of: file.number), identity, socket, folders)
            } catch {
                return  // still unknown
            }
        }
    }

    /// Looks for it by its number in the folder that it was bound in.
    private mutating func lookBeside(_ path: OSString, _ socket: BoundSocket, _ folders: ShownFolders) {
        do throws(SyscallError) {
            let flags = UInt64(O_RDONLY | O_NONBLOCK) | UInt64(CS_O_DIRECTORY)
            let number = try checkedKernel("openat2") {
                path.parent.withCString {
                    cs_openat2(FileReading.currentFolder, $0, flags, 0, UInt64(CS_RESOLVE_NO_MAGICLINKS))
                }
            }
            let folder = OwnedFileDescriptor(owning: Int32(number))
            var found: (name: OSString, identity: cs_identity)?
            var seen = 0
            try FolderEntries.each(in: folder.number, named: path.parent) { (entry) throws(SyscallError) in
                seen += 1
                guard Int32(entry.kind) == Int32(DT_SOCK) else { return seen < SocketPlace.folderLimit }
                var identity = cs_identity()
                guard cs_identify(folder.number, entry.name, &identity) == 0,
                    UInt32(truncatingIfNeeded: identity.inode) == socket.file?.inode
                else { return seen < SocketPlace.folderLimit }
                found = (entry.copy, identity)
                return false
            }
            guard let found else { return }
            settle(try FileReading.path(of: folder.number).appending(found.name), found.identity, socket, folders)
        } catch {
            return  // still unknown
        }
    }

    /// Decides by what a real path leads to.
    private mutating func settle(
        _ path: OSString,
        _ identity: cs_identity,
        _ socket: BoundSocket,
        _ folders: ShownFolders
    ) {
        guard identity.mode & S_IFMT == S_IFSOCK, identity.links == 1, let mount = folders.mount(identity.mount) else {
            return
        }
        if let file = socket.file {
            guard UInt32(truncatingIfNeeded: identity.inode) == file.inode,
                ShownFolders.device(of: mount) == file.device
            else { return }
        }
        if folders.name(path) {
            self = .shown(path)
        } else if !folders.show(path, on: mount) {
            self = .elsewhere
        }
        // Else it is shown by another path than its own, which the walk finds.
    }
}
