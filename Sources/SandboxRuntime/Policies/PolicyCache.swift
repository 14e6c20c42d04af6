internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// Compiled policies, each a checked flat file named by the hash of what it was made from.
///
/// That hash covers name, path and digest of the named policy, of the project's file and of the administrator's. What the
/// named policy extends is known only to who has read it, so an entry lists those texts, and each of them is looked up and
/// read again. An entry is used only if folder and file belong to us, nobody else may write to them, its checksum and version
/// are right, and it says itself that it was made from just this. Everything else is rebuilt, never trusted.
struct PolicyCache {
    let folder: OSString?

    func policy(
        _ inputs: PolicyInputs,
        _ texts: PolicyTexts
    ) throws(Refusal) -> (policy: CompiledPolicy, warnings: [String]) {
        let identity = SHA256.digest(inputs.identity)
        let key = Hexadecimal.text(identity)
        func isMadeFromThis(_ policy: CompiledPolicy) -> Bool {
            policy.inputs == identity && policy.digest == inputs.named.file.digest
                && policy.policy.name == inputs.named.file.name && policy.files.first == inputs.named.file
                && policy.files.dropFirst().allSatisfy(texts.isStill)
        }
        /// The compiler's answer is decoded by the same checks as an entry of the cache.
        func compiled() throws(Refusal) -> (bytes: [UInt8], policy: CompiledPolicy) {
            let bytes = try PolicyCompilerProcess.compile(inputs)
            let policy: CompiledPolicy
            do throws(CompiledPolicyCodingError) {
                policy = try PolicyCache.decoded(bytes).get()
            } catch {
                throw PolicyCompilerProcess.refusal("its answer is damaged: \(error)", errno: 0)
            }
            if isMadeFromThis(policy) { return (bytes, policy) }
            throw Refusal(
                stage: "policy",
                subject: inputs.named.file.name,
                message: "a text that the policy \(OSString(inputs.named.file.name)) extends changed while it was read",
                remedy: "start it again"
            )
        }
        let place: OwnedFileDescriptor
        do throws(Unusable) {
            place = try openFolder()
        } catch {
            return (try compiled().policy, ["policies are not cached: \(error.reason)"])
        }
        if let cached = read(key, in: place), isMadeFromThis(cached) { return (cached, []) }
        let (bytes, policy) = try compiled()
        if let reason = write(bytes, as: key, in: place) { return (policy, ["policies are not cached: \(reason)"]) }
        return (policy, [])
    }

    private static func decoded(_ bytes: [UInt8]) -> Result<CompiledPolicy, CompiledPolicyCodingError> {
        bytes.withUnsafeBytes { buffer in
            Result { () throws(CompiledPolicyCodingError) in
                try CompiledPolicyCoding.decode(buffer, toolVersion: ToolVersion.current) { SHA256.digest(Array($0)) }
            }
        }
    }

    struct Unusable: Error {
        var reason: String
    }

    /// Makes the folder, and its parents as the user's own, when missing; then checks whose it is.
    private func openFolder() throws(Unusable) -> OwnedFileDescriptor {
        guard let folder else { throw Unusable(reason: "no cache folder is known (HOME is unset)") }
        let policies = folder.appending("policies")
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var number = policies.withPointer { open($0, flags) }
        if number < 0 && errno == ENOENT {
            try makeFolders(folder, policies)
            number = policies.withPointer { open($0, flags) }
        }
        if number < 0 { throw Unusable(reason: "\(policies): \(String(cString: strerror(errno)))") }
        let descriptor = OwnedFileDescriptor(owning: number)
        var found = stat()
        guard fstat(number, &found) == 0, found.st_uid == geteuid(), found.st_mode & 0o077 == 0 else {
            throw Unusable(reason: "\(policies) belongs to somebody else, or others may enter it (chmod 700)")
        }
        return descriptor
    }

    private func makeFolders(_ folder: OSString, _ policies: OSString) throws(Unusable) {
        for (path, mode) in [(folder.parent.parent, 0o755), (folder.parent, 0o755), (folder, 0o700), (policies, 0o700)]
            as [(OSString, mode_t)]
        {
            let made = path.withPointer { mkdir($0, mode) }
            let code = errno
            // What cannot be made here shows when it is opened.
            if made != 0 && code != EEXIST && path == policies {
                throw Unusable(reason: "\(policies): \(String(cString: strerror(code)))")
            }
        }
    }

    private func read(_ key: String, in folder: borrowing OwnedFileDescriptor) -> CompiledPolicy? {
        let number = openat(folder.number, key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let file = OwnedFileDescriptor(owning: number)
        var found = stat()
        guard fstat(file.number, &found) == 0, found.st_mode & S_IFMT == S_IFREG, found.st_uid == geteuid(),
            found.st_mode & 0o022 == 0, found.st_size <= CompiledPolicyCoding.maximumLength
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(found.st_size))
        let size = bytes.withUnsafeMutableBytes { Glibc.read(number, $0.baseAddress, $0.count) }
        guard size == bytes.count else { return nil }
        do throws(CompiledPolicyCodingError) {
            return try PolicyCache.decoded(bytes).get()
        } catch {
            return nil  // damaged or of another version: rebuilt
        }
    }

    /// Under a name of its own first, then renamed, so that nobody ever sees half an entry; the reason when it failed.
    private func write(_ bytes: [UInt8], as key: String, in folder: borrowing OwnedFileDescriptor) -> String? {
        let temporary = "\(key).\(getpid())"
        _ = unlinkat(folder.number, temporary, 0)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let number = openat(folder.number, temporary, flags, 0o600)
        if number < 0 { return String(cString: strerror(errno)) }
        let file = OwnedFileDescriptor(owning: number)
        let written = bytes.withUnsafeBytes { Glibc.write(file.number, $0.baseAddress, $0.count) }
        let code = errno
        if written != bytes.count {
            _ = unlinkat(folder.number, temporary, 0)
            return String(cString: strerror(written < 0 ? code : ENOSPC))
        }
        if renameat(folder.number, temporary, folder.number, key) != 0 {
            let code = errno
            _ = unlinkat(folder.number, temporary, 0)
            return String(cString: strerror(code))
        }
        PolicyCacheRoom.make(in: folder.number, "the folder of compiled policies")
        return nil
    }
}
