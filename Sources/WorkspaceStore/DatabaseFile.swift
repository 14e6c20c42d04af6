internal import CSQLite
internal import Glibc

/// The database's file, found and judged before SQLite touches it.
///
/// The file is never opened here: closing a descriptor of it would let go the locks that this process's connections have on it
/// (fcntl_locking(2), "advisory record locks"; sqlite.org/howtocorrupt.html §2.2).
struct DatabaseFile {
    /// Absolute, without a link in its folders.
    let path: String
    let exists: Bool

    /// SQLite takes 512 bytes with the longest ending it adds.
    static let pathLimit = 504

    /// - Throws: `StoreError` for a folder that is missing, not writable, writable by others or on a network, and for a file that
    ///   is a link, not a regular one, somebody else's, or writable by others.
    init(_ path: String) throws(StoreError) {
        let slash = path.lastIndex(of: "/")
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        let folderName = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard let resolved = realpath(folderName, nil) else {
            throw DatabaseFile.refusal(
                .unwritable,
                "the folder \(folderName) of the database: \(errorText(errno))",
                "make it: mkdir -p \(folderName)"
            )
        }
        let folder = String(cString: resolved)
        free(resolved)
        self.path = (folder == "/" ? "" : folder) + "/" + name
        guard self.path.utf8.count <= DatabaseFile.pathLimit else {
            throw DatabaseFile.refusal(
                .unwritable,
                "the database's path \(self.path) has more than \(DatabaseFile.pathLimit) bytes",
                "choose a shorter one"
            )
        }
        try DatabaseFile.checkFolder(folder)
        exists = try DatabaseFile.check(self.path, isDatabase: true)
        for ending in ["-wal", "-shm", "-journal"] { _ = try DatabaseFile.check(self.path + ending, isDatabase: false) }
    }

    /// Makes the empty file that SQLite takes for a new database; mode 0600, whatever the umask is not.
    func create() throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let code = errno
            throw DatabaseFile.refusal(
                code == ENOSPC || code == EDQUOT ? .full : .unwritable,
                "making the database \(path): \(errorText(code))",
                "let this account write its folder"
            )
        }
        close(descriptor)
    }

    /// In bytes; nil if it is not there.
    var size: Int64? {
        var found = stat()
        return lstat(path, &found) == 0 ? Int64(found.st_size) : nil
    }

    // MARK: - Checks

    private static func checkFolder(_ folder: String) throws(StoreError) {
        var found = stat()
        guard stat(folder, &found) == 0 else {
            throw refusal(.unwritable, "the folder \(folder) of the database: \(errorText(errno))", "make it")
        }
        // Whoever writes the folder can put a log beside the database, which SQLite would play into it.
        guard !isWritableByOthers(found) else {
            throw refusal(
                .unwritable,
                "the folder \(folder) of the database is writable by others (mode \(octal(found.st_mode)))",
                "chmod go-w \(folder), or choose a folder of this account"
            )
        }
        guard faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0 else {
            throw refusal(
                .unwritable,
                "the folder \(folder) of the database is not writable: \(errorText(errno))",
                "SQLite keeps its log and its shared memory beside the database: let this account write the folder"
            )
        }
        var type: UInt = 0
        guard csq_file_system(folder, &type) == 0 else {
            throw refusal(.unwritable, "the file system of \(folder): \(errorText(errno))", "choose another folder")
        }
        if let name = NetworkFileSystem.name(type) {
            throw refusal(
                .unwritable,
                "\(folder) is on \(name), where the memory that SQLite's log needs is not shared between processes",
                "put the database on a disk of this machine"
            )
        }
    }

    /// Whether it is there.
    private static func check(_ path: String, isDatabase: Bool) throws(StoreError) -> Bool {
        var found = stat()
        guard lstat(path, &found) == 0 else {
            guard errno == ENOENT else {
                throw refusal(.unwritable, "\(path): \(errorText(errno))", "look at its folder")
            }
            return false
        }
        let type = found.st_mode & S_IFMT
        guard type != S_IFLNK else {
            throw refusal(.unwritable, "\(path) is a symbolic link, which is not followed", "name the file itself")
        }
        guard type == S_IFREG else {
            throw refusal(
                .corrupt,
                "\(path) is \(type == S_IFDIR ? "a folder" : "no regular file")",
                isDatabase ? "name a file, or a path where nothing is" : "move it away"
            )
        }
        guard found.st_uid == geteuid() else {
            throw refusal(
                .unwritable,
                "\(path) belongs to account \(found.st_uid), and this is account \(geteuid())",
                "chown it, or run as its owner"
            )
        }
        // SQLite would take a file of one byte for an empty one (os_unix.c, unixFileSize); the smallest database is one page of 512.
        guard !isDatabase || found.st_size == 0 || found.st_size >= 512 else {
            throw refusal(
                .corrupt,
                "\(path) is not a database: it has \(found.st_size) bytes",
                SQLiteFailure.corrupt(path)
            )
        }
        guard !isWritableByOthers(found) else {
            throw refusal(
                .unwritable,
                "\(path) is writable by others (mode \(octal(found.st_mode)))",
                "chmod 600 \(path)"
            )
        }
        return true
    }

    /// A group may write if it is this process's own: where each account has a group to itself the umask is 002.
    private static func isWritableByOthers(_ found: stat) -> Bool {
        found.st_mode & S_IWOTH != 0 || (found.st_mode & S_IWGRP != 0 && found.st_gid != getegid())
    }

    static func refusal(_ kind: StoreError.Kind, _ message: String, _ remedy: String) -> StoreError {
        StoreError(kind: kind, message: message, remedy: remedy)
    }

    private static func octal(_ mode: mode_t) -> String { "0" + String(mode & 0o7777, radix: 8) }
}

func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }

/// File systems on which a write-ahead log cannot be, because another machine does not share this one's memory
/// (sqlite.org/wal.html, "all processes using a database must be on the same host"): statfs(2), f_type.
///
/// FUSE is let through, as it is under rootless containers and local disks too: what it cannot do SQLite reports at opening.
enum NetworkFileSystem {
    static func name(_ type: UInt) -> String? { names[type] }

    private static let names: [UInt: String] = [
        0x6969: "NFS", 0x517b: "SMB", 0xff53_4d42: "CIFS", 0xfe53_4d42: "SMB 2", 0x0102_1997: "9P", 0x5346_414f: "AFS",
        0x6b41_4653: "AFS", 0x7375_7245: "Coda", 0x564c: "NCP", 0x00c3_6400: "Ceph", 0x0bd0_0bd0: "Lustre",
        0x0116_1970: "GFS2", 0x7461_636f: "OCFS2", 0x786f_4256: "a VirtualBox shared folder", 0x4750_4653: "GPFS",
    ]
}
