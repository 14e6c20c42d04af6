import Glibc

/// An open folder; names in it are single components of our own choice, and links at them are never followed.
///
/// Earlier jobs may have put anything there: links to elsewhere, folders in place of files, FIFOs that would block.
struct Folder: ~Copyable {
    /// More is not text that this worker would edit.
    static let sizeLimit = 1 << 20

    private let descriptor: FileDescriptor

    /// The folder at a path that the caller vouches for: links in it are followed.
    static func opened(at path: String) throws(WorkerError) -> Folder {
        Folder(
            descriptor: try FileDescriptor(opening: "the workspace \(path)") {
                open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            }
        )
    }

    private init(descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// The folder `name` in this one, made if nothing is there.
    func subfolder(_ name: String) throws(WorkerError) -> Folder {
        let parent = descriptor.number
        if mkdirat(parent, name, 0o755) == -1 {
            let code = errno
            guard code == EEXIST else { throw WorkerError("make folder", name, errno: code) }
        }
        return Folder(
            descriptor: try FileDescriptor(opening: name) {
                openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
        )
    }

    /// A regular file as it is.
    struct File {
        var bytes: [UInt8]
        var mode: mode_t
    }

    /// The regular file `name`; nil where there is nothing of that name.
    ///
    /// More than `limit` bytes are an error. Errors call the file `subject`.
    func file(_ name: String, as subject: String, limit: Int = sizeLimit) throws(WorkerError) -> File? {
        let parent = descriptor.number
        // O_NONBLOCK: a FIFO has no writer.
        let number = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        let code = errno
        if number == -1 && code == ENOENT { return nil }
        guard number != -1 else { throw WorkerError(opening: subject, errno: code) }
        let file = FileDescriptor(owning: number)
        var found = stat()
        guard fstat(file.number, &found) == 0 else {
            let code = errno
            throw WorkerError("look at", subject, errno: code)
        }
        guard found.st_mode & S_IFMT == S_IFREG else {
            let kind = found.st_mode & S_IFMT == S_IFDIR ? "a folder" : "no regular file"
            throw WorkerError(.unusableFile, "\(subject) is \(kind) where a file should be; remove it")
        }
        guard let bytes = try file.contents(of: subject, limit: limit) else {
            throw WorkerError(.unusableFile, "\(subject) is larger than \(limit) bytes; make it smaller or remove it")
        }
        return File(bytes: bytes, mode: found.st_mode & 0o777)
    }

    /// Puts a file at `name` in one step: readers see the old one or the whole new one, and a link there is replaced.
    func replace(_ name: String, with bytes: [UInt8], mode: mode_t = 0o644) throws(WorkerError) {
        let parent = descriptor.number
        let temporary = try makeTemporary(for: name, mode: mode, bytes)
        guard renameat(parent, temporary, parent, name) == -1 else { return }
        let code = errno
        unlinkat(parent, temporary, 0)
        guard code != EISDIR else {
            throw WorkerError(.unusableFile, "\(name) is a folder where a file should be; remove it")
        }
        throw WorkerError("put in place", name, errno: code)
    }

    /// The same where the folder may take no new names (a sandbox keeps `.codex` from its worker but for the one file):
    /// then into the regular file that stands at `name`, by one write, so that a reader finds nothing, or all of it.
    func put(_ name: String, _ bytes: [UInt8]) throws(WorkerError) {
        let refused: WorkerError
        do throws(WorkerError) {
            return try replace(name, with: bytes)
        } catch { refused = error }
        let number = openat(descriptor.number, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard number != -1 else { throw refused }
        let file = FileDescriptor(owning: number)
        var found = stat()
        guard fstat(file.number, &found) == 0, found.st_mode & S_IFMT == S_IFREG else { throw refused }
        try file.write(bytes, to: name)
        guard ftruncate(file.number, off_t(bytes.count)) == 0 else {
            let code = errno
            throw WorkerError("cut off", name, errno: code)
        }
    }

    private func makeTemporary(for name: String, mode: mode_t, _ bytes: [UInt8]) throws(WorkerError) -> String {
        let parent = descriptor.number
        // A worker that was killed has left one, at most: the process number is often the same in a place.
        for attempt in 0..<8 {
            let temporary = ".\(name).\(getpid()).\(attempt)"
            unlinkat(parent, temporary, 0)
            let number = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
            let code = errno
            if number == -1 && code == EEXIST { continue }
            guard number != -1 else { throw WorkerError("make", "a file beside \(name)", errno: code) }
            let file = FileDescriptor(owning: number)
            do {
                try file.write(bytes, to: name)
            } catch {
                unlinkat(parent, temporary, 0)
                throw error
            }
            return temporary
        }
        throw WorkerError(.unusableFile, "folders lie at the names for new files beside \(name); remove them")
    }
}
