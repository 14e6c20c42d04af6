internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// SHA-256 of executables, remembered by which file it was: a launch looks one up and never computes one.
///
/// `STATE/executables/ID`, ID being the identity's digest; in it the identity and the content's digest. Only files that
/// nobody but root can change are remembered: the time of change is no proof for others, because a store through a
/// mapping moves it once for many stores, and on a tmpfs never (mmap(2), st_ctime).
public struct ExecutableDigests {
    private let stateFolder: OSString

    private static let folderName: OSString = "executables"
    /// What somebody who looks at a record may have to wait for: well below a second.
    private static let largest: UInt64 = 256 << 20
    /// Two changes within one tick of the kernel's clock have the same time; one that is older than this has its own.
    private static let settled: Int64 = 2_000_000_000

    /// - Parameter stateFolder: `StateFolder.path`; what is in it belongs to us alone.
    public init(stateFolder: OSString) {
        self.stateFolder = stateFolder
    }

    /// What is remembered of exactly this file: one open that mostly fails.
    ///
    /// - Returns: nil when nothing is, or the entry is not whole or not our own.
    public func known(_ executable: WorkerExecutable) -> [UInt8]? {
        let place = stateFolder.appending(ExecutableDigests.folderName).appending(ExecutableDigests.name(executable))
        let number = place.withCString { open($0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) }
        guard number >= 0 else { return nil }
        let file = OwnedFileDescriptor(owning: number)
        var found = stat()
        guard fstat(file.number, &found) == 0, found.st_mode & S_IFMT == S_IFREG, found.st_uid == geteuid(),
            found.st_mode & 0o077 == 0, found.st_size <= 1024
        else { return nil }
        let bytes: [UInt8]
        do throws(SyscallError) {
            bytes = try FileBytes.read(Int(found.st_size), at: 0, of: file.number, named: place)
        } catch {
            return nil
        }
        let before = ExecutableDigests.beginning(executable)
        guard bytes.count == before.count + 65, bytes.starts(with: before), bytes.last == UInt8(ascii: "\n") else {
            return nil
        }
        var digest: [UInt8] = []
        for index in stride(from: before.count, to: bytes.count - 1, by: 2) {
            guard let high = Hexadecimal.value(bytes[index]), let low = Hexadecimal.value(bytes[index + 1]) else {
                return nil
            }
            digest.append(high << 4 | low)
        }
        return digest
    }

    /// Computes and remembers it, if the file at this path is still the very same one.
    ///
    /// - Returns: nil when it is another one now, is not root's alone, is too large or too new, or cannot be read.
    public func remembered(_ executable: WorkerExecutable) -> [UInt8]? {
        if let known = known(executable) { return known }
        guard executable.size <= ExecutableDigests.largest,
            executable.changed + ExecutableDigests.settled < Int64(clamping: Timestamp.now.microseconds) * 1000
        else { return nil }
        let number = executable.path.withCString { open($0, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) }
        guard number >= 0 else { return nil }
        let file = OwnedFileDescriptor(owning: number)
        guard ExecutableDigests.isRootsAlone(file.number) else { return nil }
        do throws(SyscallError) {
            guard try WorkerExecutable.observed(path: executable.path, descriptor: file.number).isSame(as: executable)
            else { return nil }
            let digest = try ExecutableDigests.content(of: file.number, size: executable.size, named: executable.path)
            // Nobody has written to it meanwhile.
            guard try WorkerExecutable.observed(path: executable.path, descriptor: file.number).isSame(as: executable)
            else { return nil }
            keep(digest, of: executable)
            return digest
        } catch {
            return nil
        }
    }

    // MARK: -

    private static func name(_ executable: WorkerExecutable) -> OSString {
        OSString(Hexadecimal.text(executable.identityDigest))
    }

    private static func beginning(_ executable: WorkerExecutable) -> [UInt8] {
        Array("\(executable.identityText) ".utf8)
    }

    private static func isRootsAlone(_ file: Int32) -> Bool {
        var found = stat()
        return fstat(file, &found) == 0 && found.st_mode & S_IFMT == S_IFREG && found.st_uid == 0
            && found.st_mode & 0o022 == 0
    }

    private static func content(of file: Int32, size: UInt64, named path: OSString) throws(SyscallError) -> [UInt8] {
        var hash = SHA256()
        var offset: Int64 = 0
        while offset < Int64(size) {
            let piece = try FileBytes.read(1 << 20, at: offset, of: file, named: path)
            if piece.isEmpty { break }
            hash.update(piece)
            offset += Int64(piece.count)
        }
        return hash.digest()
    }

    /// Under a name of its own first, then renamed, so that nobody ever reads half an entry; what cannot be written is
    /// computed again the next time.
    private func keep(_ digest: [UInt8], of executable: WorkerExecutable) {
        let folder: Int32
        let opened: EvidenceFolder
        do throws(EvidenceError) {
            guard let state = try EvidenceFolder.state(stateFolder, make: true),
                let place = try state.folder(ExecutableDigests.folderName, make: true)
            else { return }
            opened = place
            folder = opened.descriptor.number
        } catch {
            return
        }
        let name = ExecutableDigests.name(executable)
        let temporary = OSString("\(name).\(getpid())")
        _ = temporary.withCString { unlinkat(folder, $0, 0) }
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let number = temporary.withCString { openat(folder, $0, flags, 0o600) }
        guard number >= 0 else { return }
        let file = OwnedFileDescriptor(owning: number)
        let bytes = ExecutableDigests.beginning(executable) + Array("\(Hexadecimal.text(digest))\n".utf8)
        let written = bytes.withUnsafeBytes { write(file.number, $0.baseAddress, $0.count) }
        let renamed = temporary.withCString { old in name.withCString { renameat(folder, old, folder, $0) } }
        // An entry that is not whole is ignored, but there is no reason to leave one.
        if written != bytes.count || renamed != 0 {
            for leftover in [temporary, name] { _ = leftover.withCString { unlinkat(folder, $0, 0) } }
        }
    }
}
