internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// Which projects' files were approved, each by its path and the digest of its bytes: `trust/` in the state folder.
///
/// One file for each path, named by the hash of that path. It says its own inode number, so that a copy is no approval: one
/// is made by `policy trust` at its place, and by nothing else. Folder and files belong to us, and nobody else may even read
/// them.
struct TrustStore {
    let stateFolder: OSString

    /// What a record says.
    struct Approval {
        var digest: [UInt8]
        var path: OSString
        var inode: UInt64
    }

    private static let magic = "codex-sandbox trust 1\n"
    private static let limit = 8 << 10
    private static let remedy =
        "look at what is in it, remove what is not yours, and run `codex-sandbox policy trust` again"

    // MARK: - Asking

    /// Whether a file was approved as it is now; never an error, since without an approval a project only narrows.
    func trust(of file: PolicyFile) -> EffectivePolicy.Trust {
        do throws(EvidenceError) {
            guard let folder = try folder(make: false) else { return .untrusted(why: "") }
            guard let approval = try read(TrustStore.name(of: file.path), in: folder) else {
                return .untrusted(why: "")
            }
            if approval.path != file.path { return .untrusted(why: "its record is that of another path") }
            if approval.digest != file.digest { return .untrusted(why: "it has changed since it was trusted") }
            return .trusted
        } catch {
            return .untrusted(why: error.message)
        }
    }

    /// Every record, by name; with why where one cannot be used.
    func all() throws(Refusal) -> [(name: OSString, approval: Approval?, why: String)] {
        do throws(EvidenceError) {
            guard let folder = try folder(make: false) else { return [] }
            var found: [(name: OSString, approval: Approval?, why: String)] = []
            for name in try names(in: folder) {
                do throws(EvidenceError) {
                    guard let approval = try read(name, in: folder) else { continue }
                    if TrustStore.name(of: approval.path) != name {
                        found.append((name, nil, "its record is that of another path"))
                    } else {
                        found.append((name, approval, ""))
                    }
                } catch { found.append((name, nil, error.message)) }
            }
            return found
        } catch { throw error.refusal }
    }

    // MARK: - Recording

    /// Records an approval, in place of an earlier one of the same path.
    func approve(_ file: PolicyFile) throws(Refusal) {
        do throws(EvidenceError) {
            guard let folder = try folder(make: true) else { return }
            try write(file, TrustStore.name(of: file.path), in: folder)
        } catch { throw error.refusal }
    }

    /// Takes an approval back; false when there was none.
    func revoke(_ path: OSString) throws(Refusal) -> Bool {
        do throws(EvidenceError) {
            guard let folder = try folder(make: false) else { return false }
            let name = TrustStore.name(of: path)
            let result = name.withPointer { unlinkat(folder.descriptor.number, $0, 0) }
            let code = errno
            if result == 0 { return true }
            if code == ENOENT { return false }
            throw TrustStore.failure("remove the record", folder.path.appending(name), "unlinkat", code)
        } catch { throw error.refusal }
    }

    // MARK: -

    private static func name(of path: OSString) -> OSString { OSString(Hexadecimal.text(SHA256.digest(path.bytes))) }

    private func folder(make: Bool) throws(EvidenceError) -> EvidenceFolder? {
        guard let state = try EvidenceFolder.state(stateFolder, make: make),
            let folder = try state.folder("trust", make: make)
        else { return nil }
        let status = try OwnedByUs.check(folder.descriptor.number, folder.path, remedy: TrustStore.remedy)
        if status.st_mode & 0o077 == 0 { return folder }
        throw EvidenceError(
            action: "keep approvals in",
            subject: folder.path,
            cause: "others may enter it (mode \(String(status.st_mode & 0o7777, radix: 8)))",
            remedy: "chmod 700 \(folder.path), after a look at what is in it"
        )
    }

    private func names(in folder: borrowing EvidenceFolder) throws(EvidenceError) -> [OSString] {
        var names: [OSString] = []
        do throws(SyscallError) {
            try FolderEntries.each(in: folder.descriptor.number, named: folder.path) { (entry) throws(SyscallError) in
                names.append(entry.copy)
                return names.count < 4096
            }
        } catch { throw TrustStore.failure("list", folder.path, error.call, error.errno) }
        return names.sorted()
    }

    private func read(_ name: OSString, in folder: borrowing EvidenceFolder) throws(EvidenceError) -> Approval? {
        let path = folder.path.appending(name)
        let number = name.withPointer {
            openat(folder.descriptor.number, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        }
        let code = errno
        if number < 0 && code == ENOENT { return nil }
        if number < 0 { throw TrustStore.failure("read the record", path, "openat", code) }
        let file = OwnedFileDescriptor(owning: number)
        let status = try OwnedByUs.check(number, path, remedy: TrustStore.remedy)
        func damaged(_ cause: String) -> EvidenceError {
            EvidenceError(action: "use the record", subject: path, cause: cause, remedy: TrustStore.remedy)
        }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o077 == 0, status.st_nlink == 1 else {
            throw damaged("it is not a file that only you can read, with one name")
        }
        let bytes: [UInt8]
        do throws(SyscallError) {
            bytes = try FileReading.read(file, named: path, limit: TrustStore.limit)
        } catch { throw TrustStore.failure("read the record", path, error.call, error.errno) }
        guard let approval = TrustStore.parsed(bytes) else { throw damaged("it is not what `policy trust` writes") }
        guard approval.inode == UInt64(status.st_ino) else { throw damaged("it is a copy of a record") }
        return approval
    }

    /// Under a name of its own first, then renamed, so that nobody ever sees half a record.
    private func write(
        _ file: PolicyFile,
        _ name: OSString,
        in folder: borrowing EvidenceFolder
    ) throws(EvidenceError) {
        let directory = folder.descriptor.number
        let temporary = "\(name).\(getpid())"
        _ = unlinkat(directory, temporary, 0)
        let number = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        let code = errno
        let path = folder.path.appending(name)
        if number < 0 { throw TrustStore.failure("write the record", path, "openat", code) }
        let record = OwnedFileDescriptor(owning: number)
        var status = stat()
        var failed: (call: String, errno: Int32)?
        if fstat(record.number, &status) != 0 {
            failed = ("fstat", errno)
        } else {
            let bytes = TrustStore.bytes(Approval(digest: file.digest, path: file.path, inode: UInt64(status.st_ino)))
            let written = bytes.withUnsafeBytes { Glibc.write(record.number, $0.baseAddress, $0.count) }
            let code = errno
            if written != bytes.count { failed = ("write", written < 0 ? code : ENOSPC) }
        }
        if failed == nil, renameat(directory, temporary, directory, "\(name)") != 0 { failed = ("renameat", errno) }
        guard let failed else { return }
        _ = unlinkat(directory, temporary, 0)
        throw TrustStore.failure("write the record", path, failed.call, failed.errno)
    }

    // MARK: - The record's text

    /// The path is the last field and goes to the end, whatever bytes it has.
    static func bytes(_ approval: Approval) -> [UInt8] {
        let head = "\(magic)sha256 \(Hexadecimal.text(approval.digest))\ninode \(approval.inode)\npath "
        return Array(head.utf8) + approval.path.bytes
    }

    /// Nil for anything that `bytes` would not write just so.
    static func parsed(_ bytes: [UInt8]) -> Approval? {
        var rest = bytes[...]
        func line(_ start: String) -> ArraySlice<UInt8>? {
            guard rest.starts(with: start.utf8), let end = rest.firstIndex(of: 0x0A) else { return nil }
            let value = rest[(rest.startIndex + start.utf8.count)..<end]
            rest = rest[(end + 1)...]
            return value
        }
        guard rest.starts(with: magic.utf8) else { return nil }
        rest = rest.dropFirst(magic.utf8.count)
        guard let sha256 = line("sha256 "), let digest = digest(sha256), let inode = line("inode "),
            let number = UInt64(String(decoding: inode, as: UTF8.self)), rest.starts(with: "path ".utf8)
        else { return nil }
        let approval = Approval(digest: digest, path: OSString(rest.dropFirst(5)), inode: number)
        guard approval.path.normalised == approval.path, TrustStore.bytes(approval) == bytes else { return nil }
        return approval
    }

    private static func digest(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count == 64 else { return nil }
        var bytes: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            guard let byte = UInt8(String(decoding: text[index..<index + 2], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
            index += 2
        }
        return bytes
    }

    private static func failure(_ action: String, _ path: OSString, _ call: String, _ code: Int32) -> EvidenceError {
        EvidenceError(action: action, subject: path, call: call, errno: code, remedy: remedy)
    }
}
