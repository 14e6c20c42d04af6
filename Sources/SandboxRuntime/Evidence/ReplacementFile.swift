internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// A file that is written under a name of its own and then takes the place of another, whole or not at all.
///
/// One at a time for each name: whoever makes one holds the lock of the workspace's signatures. What a killed one left is
/// removed by the next.
struct ReplacementFile: ~Copyable {
    private let descriptor: OwnedFileDescriptor
    private let folder: Int32
    private let name: OSString
    private let path: OSString
    private var isInPlace = false

    private var temporary: OSString { ReplacementFile.temporary(name) }

    private static func temporary(_ name: OSString) -> OSString { OSString(name.bytes + Array(".gc".utf8)) }

    /// To take the place of `name` in `folder`, which is open as long as the value lives.
    init(for name: OSString, in folder: Int32, path: OSString) throws(EvidenceError) {
        let temporary = ReplacementFile.temporary(name)
        _ = temporary.withCString { unlinkat(folder, $0, 0) }
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let number = temporary.withCString { openat(folder, $0, flags, 0o600) }
        let code = errno
        guard number >= 0 else { throw ReplacementFile.failure("make a file beside", path, "openat", code) }
        descriptor = OwnedFileDescriptor(owning: number)
        self.folder = folder
        self.name = name
        self.path = path
    }

    deinit {
        if !isInPlace { _ = ReplacementFile.temporary(name).withCString { unlinkat(folder, $0, 0) } }
    }

    /// Appends the bytes of another file from `start` to `end`.
    borrowing func copy(_ file: Int32, from start: Int64, to end: Int64) throws(EvidenceError) {
        var offset = start
        while offset < end {
            do throws(SyscallError) {
                let piece = try FileBytes.read(Int(min(1 << 20, end - offset)), at: offset, of: file, named: path)
                guard !piece.isEmpty else { throw SyscallError(call: "pread", subject: path.description, errno: EIO) }
                try FileBytes.write(piece, to: descriptor.number, named: path)
                offset += Int64(piece.count)
            } catch {
                throw ReplacementFile.failure("copy", path, error.call, error.errno)
            }
        }
    }

    borrowing func write(_ bytes: [UInt8]) throws(EvidenceError) {
        do throws(SyscallError) {
            try FileBytes.write(bytes, to: descriptor.number, named: path)
        } catch {
            throw ReplacementFile.failure("write", path, error.call, error.errno)
        }
    }

    /// Waits until it is on the disk: a crash of the machine must not leave an empty file in the place of a whole one.
    borrowing func settle() throws(EvidenceError) {
        let result = fdatasync(descriptor.number)
        let code = errno
        guard result == 0 else { throw ReplacementFile.failure("bring to the disk", path, "fdatasync", code) }
    }

    /// Takes the place.
    mutating func putInPlace() throws(EvidenceError) {
        try settle()
        let result = temporary.withCString { old in name.withCString { renameat(folder, old, folder, $0) } }
        let code = errno
        guard result == 0 else { throw ReplacementFile.failure("replace", path, "renameat", code) }
        isInPlace = true
        _ = fsync(folder)
    }

    static func failure(_ action: String, _ path: OSString, _ call: String, _ code: Int32) -> EvidenceError {
        EvidenceError(
            action: action,
            subject: path,
            call: call,
            errno: code,
            remedy: "free space on its file system, and see the folder's owner and mode; nothing was removed"
        )
    }
}
