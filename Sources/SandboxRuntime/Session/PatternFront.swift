internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// Where a pattern of `filesystem.deny_globs` that begins at `/` really begins.
///
/// What is shown is known by real paths: the folders in front of the first wildcard may lead there through links (`/home/ann/*.pem`, and
/// `/home` is a link).
struct PatternFront {
    /// The pattern, with the folders in front of its first wildcard, or of its last name, by their real path.
    let pattern: OSString
    /// Whether that is another one than what was written.
    let isMoved: Bool
    /// The one path that a pattern without a wildcard means, if anything is there; a link is not followed.
    let whole: OSString?

    /// - Parameter glob: begins at `/`, and has no defect.
    /// - Returns: nil where nothing is, or where neither the caller nor a job may look.
    /// - Throws: `Refusal` when it cannot be found out.
    static func find(_ glob: OSString) throws(Refusal) -> PatternFront? {
        let names = glob.components
        let wild = names.firstIndex { $0.bytes.contains(UInt8(ascii: "*")) || $0.bytes.contains(UInt8(ascii: "?")) }
        let front = names.prefix(min(wild ?? names.count, names.count - 1))
        let written = front.reduce(OSString("/")) { $0.appending($1) }
        var real = written
        if leadsThroughProcess(written, below: AT_FDCWD) {
            throw Refusal(
                stage: "plan",
                step: "openat2",
                subject: written.description,
                message:
                    "\(written), where a pattern of filesystem.deny_globs begins, leads through a folder of a process, which is another "
                    + "one inside the sandbox",
                remedy: "write the real path",
                layer: .mounts
            )
        }
        if let resolved = written.withPointer({ realpath($0, nil) }) {
            defer { free(resolved) }
            real = OSString(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
        } else {
            let code = errno
            switch code {
            case ENOENT, ENOTDIR, ELOOP: return nil
            // One path is denied by its name, as filesystem.deny has it.
            case EACCES where wild == nil: break
            case EACCES where isClosedForGood(written): return nil
            case _:
                throw Refusal(
                    stage: "plan",
                    step: "realpath",
                    subject: written.description,
                    errno: code,
                    message: "\(written), where a pattern of filesystem.deny_globs begins, could not be looked at",
                    remedy: "begin the pattern with a folder that can be",
                    layer: .mounts
                )
            }
        }
        let pattern = names.dropFirst(front.count).reduce(real) { $0.appending($1) }
        return PatternFront(
            pattern: pattern,
            isMoved: real != written,
            whole: wild == nil && isThere(pattern) ? pattern : nil
        )
    }

    /// Whether links on the way are the kernel's own (`/proc/self/cwd`, openat2(2), RESOLVE_NO_MAGICLINKS): they lead each process
    /// elsewhere.
    ///
    /// - Parameters:
    ///   - path: what is looked at.
    ///   - parent: where a relative one begins.
    /// - Returns: false also for links that go round and round, and for what cannot be reached either way.
    static func leadsThroughProcess(_ path: OSString, below parent: Int32) -> Bool {
        func answer(_ resolve: UInt64) -> Int {
            let number = path.withPointer { cs_openat2(parent, $0, UInt64(CS_O_PATH), 0, resolve) }
            if number >= 0 { _ = close(Int32(number)) }
            return number
        }
        return answer(UInt64(CS_RESOLVE_NO_MAGICLINKS)) == -Int(ELOOP) && answer(0) != -Int(ELOOP)
    }

    /// Whether something stands at a path; what cannot be looked at is the planner's to judge.
    static func isThere(_ path: OSString) -> Bool {
        var found = stat()
        let code = path.withPointer { lstat($0, &found) == 0 ? 0 : errno }
        return ![ENOENT, ENOTDIR, ELOOP].contains(code)
    }

    /// Whether a folder on the way, or the folder itself, is somebody else's that its caller may not enter: a job cannot either.
    ///
    /// A folder of the caller's own a job can open again (chmod(2)), and one that can be entered, but not listed, is not closed: its names
    /// could be guessed. Root's jobs have another account, which may enter what root may not (a FUSE file system of its own, NFS).
    static func isClosedForGood(_ path: OSString) -> Bool {
        if geteuid() == 0 { return false }
        let real: OSString
        do throws(SyscallError) { real = try RealPath.of(path) } catch { return false }
        var way: OSString = "/"
        for name in real.components {
            way = way.appending(name)
            var found = cs_identity()
            guard way.withPointer({ cs_identify(AT_FDCWD, $0, &found) }) == 0 else { return false }
            let code = way.withPointer { faccessat(AT_FDCWD, $0, X_OK, AT_EACCESS) == 0 ? 0 : errno }
            if code == 0 { continue }
            return code == EACCES && found.mode & S_IFMT == S_IFDIR && found.uid != geteuid()
        }
        return false
    }
}
