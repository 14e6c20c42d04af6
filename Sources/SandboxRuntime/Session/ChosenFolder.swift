internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// A folder that somebody named, turned into its real path without following a link.
enum ChosenFolder {
    /// The absolute path of `path`, which may be relative to the current folder.
    ///
    /// - Parameters:
    ///   - path: as it was written.
    ///   - what: the option or thing, for the message.
    /// - Returns: the physical path.
    /// - Throws: `Refusal` when it is missing, no folder, or reached through a link.
    static func path(_ path: OSString, what: String) throws(Refusal) -> OSString {
        let flags = UInt64(CS_O_PATH | CS_O_DIRECTORY)
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let number = path.withPointer { cs_openat2(FileReading.currentFolder, $0, flags, 0, resolve) }
        if number == -40 {  // ELOOP: a link in the way
            let followed = path.withPointer { cs_openat2(FileReading.currentFolder, $0, flags, 0, 0) }
            let real = followed >= 0 ? try name(OwnedFileDescriptor(owning: Int32(followed)), path, what) : path
            throw Refusal(
                stage: "plan",
                subject: path.description,
                message: "the way to \(what) \(path) leads through a symbolic link",
                remedy: "name the real path: \(real)",
                layer: .mounts
            )
        }
        guard number >= 0 else { throw refusal(path, what, Int32(-number), of: .openat2) }
        return try name(OwnedFileDescriptor(owning: Int32(number)), path, what)
    }

    /// The path as it was written, made absolute by text alone: good for a name, not for a mount.
    ///
    /// Throws `refusal` when even that is not to be had.
    static func written(_ path: OSString, otherwise refusal: Refusal) throws(Refusal) -> OSString {
        if path.isAbsolute, let normalised = path.normalised { return normalised }
        guard let current = getcwd(nil, 0) else { throw refusal }
        defer { free(current) }
        let folder = OSString(UnsafeRawBufferPointer(start: current, count: strlen(current)))
        guard let normalised = folder.appending(path).normalised ?? folder.normalised else { throw refusal }
        return normalised
    }

    private static func name(
        _ folder: borrowing OwnedFileDescriptor,
        _ path: OSString,
        _ what: String
    ) throws(Refusal) -> OSString {
        do throws(SyscallError) {
            let real = try FileReading.link(OSString("/proc/self/fd/\(folder.number)"))
            guard real.normalised == real else { throw SyscallError(call: "readlinkat", subject: "", errno: ENOENT) }
            // Of a removed folder the kernel says the name and ` (deleted)`, which may be the name of another.
            var own = cs_identity()
            var named = cs_identity()
            let looked = cs_identify(folder.number, "", &own)
            if looked == -Int(ENOSYS) || looked == -Int(EPERM) {
                throw SyscallError(call: "statx", subject: "", errno: Int32(-looked))
            }
            let same =
                looked == 0
                && real.withPointer { cs_identify(FileReading.currentFolder, $0, &named) } == 0
                && own.device == named.device && own.inode == named.inode
            guard same else { throw SyscallError(call: "statx", subject: "", errno: ENOENT) }
            return real
        } catch { throw refusal(path, what, error.errno, of: error.call == "statx" ? .statx : .openat2) }
    }

    private static func refusal(_ path: OSString, _ what: String, _ errno: Int32, of call: MissingCall) -> Refusal {
        // No folder's fault: neither call has an EPERM of its own here, so a filter answers it, or ENOSYS, or the kernel is old.
        let isMissing = errno == ENOSYS || errno == EPERM
        return Refusal(
            stage: "plan",
            step: isMissing ? call.rawValue : "",
            subject: path.description,
            errno: errno,
            message: "\(what) \(path) cannot be used",
            remedy: isMissing ? call.remedy : "name an existing folder that you may enter",
            layer: .mounts
        )
    }
}
