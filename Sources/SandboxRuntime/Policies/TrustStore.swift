internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// Which projects' files were approved, each by its path, the digest of its bytes, and the policies that it was shown over, each with
/// the administrator's bound of that time: `trust/` in the state folder.
///
/// One file for each path, named by the hash of that path. It says its own inode number and time of birth, so that a copy is no
/// approval: one is made by `policy trust` at its place, and by nothing else. Folder and files belong to us, and nobody else may even read
/// them.
struct TrustStore {
    let stateFolder: OSString

    /// What a record says.
    struct Approval {
        var digest: [UInt8]
        var path: OSString
        var inode: UInt64
        /// Nanoseconds since 1970; 0 where the file system does not tell.
        var born: Int64
        /// Digests of the policies that it was shown over, each with the bound that it was shown under, the newest first; never
        /// empty.
        var policies: [[UInt8]]
    }

    private static let magic = "codex-sandbox trust 3\n"
    /// Of versions that did not note the administrator's bound: what was shown then may have been less than what would hold now.
    private static let earlierMagics = ["codex-sandbox trust 1\n", "codex-sandbox trust 2\n"]
    private static let limit = 16 << 10
    /// Of one project.
    private static let mostPolicies = 32
    private static let remedy =
        "look at what is in it, remove what is not yours, and run `codex-sandbox policy trust` again"

    // MARK: - Asking

    /// Whether a file was approved as it is now, over this policy; never an error, since without an approval a project only
    /// narrows.
    ///
    /// What a file widens depends on what it is put over, and what was shown of it on the administrator's bound: an approval holds
    /// for what was shown then, and for nothing else.
    ///
    /// - Parameters:
    ///   - file: path and digest.
    ///   - policy: without the project's file and without a command line.
    ///   - ceiling: the administrator's file; nil without one.
    /// - Returns: the word on it.
    func trust(of file: PolicyFile, over policy: Policy, under ceiling: PolicyStatement?) -> EffectivePolicy.Trust {
        do throws(EvidenceError) {
            guard let folder = try folder(make: false) else { return .untrusted(why: "") }
            guard let approval = try read(TrustStore.name(of: file.path), in: folder) else {
                return .untrusted(why: "")
            }
            if approval.path != file.path { return .untrusted(why: "its record is that of another path") }
            if approval.digest != file.digest { return .untrusted(why: "it has changed since it was trusted") }
            if !approval.policies.contains(TrustStore.digest(of: policy, under: ceiling)) {
                return .untrusted(
                    why:
                        "it was trusted over another policy or under another bound of the administrator's, or one of them has "
                        + "changed since"
                )
            }
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

    /// Records an approval; one of the same bytes over other policies stays beside it.
    func approve(_ file: PolicyFile, over policy: Policy, under ceiling: PolicyStatement?) throws(Refusal) {
        do throws(EvidenceError) {
            guard let folder = try folder(make: true) else { return }
            let name = TrustStore.name(of: file.path)
            var policies = [TrustStore.digest(of: policy, under: ceiling)]
            if let before = earlier(name, in: folder), before.path == file.path, before.digest == file.digest {
                policies += before.policies.filter { !policies.contains($0) }
            }
            try write(file, Array(policies.prefix(TrustStore.mostPolicies)), name, in: folder)
        } catch { throw error.refusal }
    }

    /// One that cannot be used is none: it is replaced.
    private func earlier(_ name: OSString, in folder: borrowing EvidenceFolder) -> Approval? {
        do throws(EvidenceError) { return try read(name, in: folder) } catch { return nil }
    }

    /// Of everything that a policy gives, and of what the administrator's file says; what they are called does not matter.
    private static func digest(of policy: Policy, under ceiling: PolicyStatement?) -> [UInt8] {
        let bound = ceiling.map { [1] + SHA256.digest($0.bytes) } ?? [0]
        return SHA256.digest(SHA256.digest(policy.bytes) + bound)
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
        if TrustStore.earlierMagics.contains(where: { bytes.starts(with: $0.utf8) }) {
            throw EvidenceError(
                action: "use the record",
                subject: path,
                cause:
                    "an earlier version wrote it, which did not note the administrator's bound; trust the file again",
                remedy: "look at the project's file, and run `codex-sandbox policy trust` again"
            )
        }
        guard let approval = TrustStore.parsed(bytes) else { throw damaged("it is not what `policy trust` writes") }
        var identity = cs_identity()
        let identified = cs_identify(file.number, "", &identity)
        if identified != 0 { throw TrustStore.failure("look at the record", path, "statx", Int32(-identified)) }
        guard approval.inode == identity.inode, approval.born == identity.born_ns else {
            throw damaged("it is a copy of a record")
        }
        return approval
    }

    /// Under a name of its own first, then renamed, so that nobody ever sees half a record.
    private func write(
        _ file: PolicyFile,
        _ policies: [[UInt8]],
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
        var identity = cs_identity()
        var failed: (call: String, errno: Int32)?
        let identified = cs_identify(record.number, "", &identity)
        if identified != 0 {
            failed = ("statx", Int32(-identified))
        } else {
            let approval = Approval(
                digest: file.digest,
                path: file.path,
                inode: identity.inode,
                born: identity.born_ns,
                policies: policies
            )
            let bytes = TrustStore.bytes(approval)
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
        var head =
            "\(magic)sha256 \(Hexadecimal.text(approval.digest))\ninode \(approval.inode)\nborn \(approval.born)\n"
        for policy in approval.policies { head += "policy \(Hexadecimal.text(policy))\n" }
        return Array((head + "path ").utf8) + approval.path.bytes
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
            let number = UInt64(String(decoding: inode, as: UTF8.self)), let born = line("born "),
            let time = Int64(String(decoding: born, as: UTF8.self))
        else { return nil }
        var policies: [[UInt8]] = []
        while let text = line("policy ") {
            guard let policy = TrustStore.digest(text), policies.count < mostPolicies else { return nil }
            policies.append(policy)
        }
        guard rest.starts(with: "path ".utf8), !policies.isEmpty else { return nil }
        let approval = Approval(
            digest: digest,
            path: OSString(rest.dropFirst(5)),
            inode: number,
            born: time,
            policies: policies
        )
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
