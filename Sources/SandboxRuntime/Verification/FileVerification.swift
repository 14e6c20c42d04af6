internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// What a place makes of its own, compared from outside: generated files byte for byte, links by their text, folders.
enum FileVerification {
    /// - Parameters:
    ///   - plan: its steps say what should be there.
    ///   - root: O_PATH descriptor of the place's root.
    ///   - findings: gets one observation for each file, link and folder that nothing was mounted on.
    static func verify(_ plan: LaunchPlan, root: Int32, _ findings: inout Findings) {
        let mounted = mounts(plan)
        for (index, step) in plan.steps.enumerated() {
            func isHidden(_ path: OSString) -> Bool {
                mounted.contains { later in
                    later.index > index && later.target.bytes.count <= path.bytes.count && path.isWithin(later.target)
                }
            }
            switch step {
            case .writeFile(let path, let bytes, _):
                if isHidden(path) { continue }
                let expected = "\(bytes.count) bytes as planned"
                findings.compare(
                    .mounts,
                    "file \(path)",
                    expected: expected,
                    found: contents(path, bytes, root) ?? expected
                )
            case .symlink(let path, let target):
                if isHidden(path) { continue }
                findings.compare(.mounts, "link \(path)", expected: target.description, found: link(path, root))
            case .makeFolders(let path, _):
                if isHidden(path) { continue }
                findings.compare(.mounts, "folder \(path)", expected: "a folder", found: folder(path, root))
            case .rootOnly(let path):
                findings.compare(.mounts, "file \(path)", expected: rootOnly, found: owner(path, root))
            case .privatePropagation, .newRoot, .bind, .cover, .tmpfs, .procfs, .devpts, .remount, .enterRoot,
                .hostname,
                .loopbackUp, .forbidUserNamespaces, .freshKeyring, .limit, .attributes, .dropCapabilities,
                .noNewPrivileges, .landlock, .placeFilter, .terminals:
                continue
            }
        }
    }

    /// What stands on a path later than something of the place's own: it is compared as a mount, and the file may be the
    /// host's (`--read /etc/hosts`).
    private static func mounts(_ plan: LaunchPlan) -> [(index: Int, target: OSString)] {
        var mounts: [(index: Int, target: OSString)] = []
        for (index, step) in plan.steps.enumerated() {
            switch step {
            case .bind(let mount): mounts.append((index, mount.target))
            case .cover(let path, _), .tmpfs(let path, _, _, _, _), .procfs(let path), .devpts(let path):
                mounts.append((index, path))
            case .privatePropagation, .newRoot, .makeFolders, .symlink, .writeFile, .rootOnly, .remount, .enterRoot,
                .hostname,
                .loopbackUp, .forbidUserNamespaces, .freshKeyring, .limit, .attributes, .dropCapabilities,
                .noNewPrivileges, .landlock, .placeFilter, .terminals:
                continue
            }
        }
        return mounts
    }

    /// Without any link on the way, so that nothing of the host is taken for the place's.
    private static func open(_ path: OSString, _ root: Int32, _ flags: UInt64) -> Int {
        let start = path.bytes.firstIndex { $0 != UInt8(ascii: "/") } ?? path.bytes.count
        return path.withPointer { cs_openat2(root, $0 + start, flags, 0, UInt64(CS_RESOLVE_NO_SYMLINKS)) }
    }

    /// Nil when the file holds exactly this.
    private static func contents(_ path: OSString, _ bytes: [UInt8], _ root: Int32) -> String? {
        let number = open(path, root, UInt64(O_RDONLY | O_NONBLOCK))
        // A file of mode 0000, which stands for something unreadable: it is empty, and its size says so.
        if number == -Int(EACCES) && bytes.isEmpty { return emptiness(path, root) }
        guard number >= 0 else { return "errno \(-number)" }
        let file = OwnedFileDescriptor(owning: Int32(number))
        // One more than planned: a longer file is another one.
        var found = [UInt8](repeating: 0, count: bytes.count + 1)
        let count = found.withUnsafeMutableBytes { pread(file.number, $0.baseAddress, $0.count, 0) }
        let code = errno
        guard count >= 0 else { return "errno \(code)" }
        let isSame = count == bytes.count && (count == 0 || memcmp(found, bytes, count) == 0)
        return isSame ? nil : "other bytes"
    }

    private static func emptiness(_ path: OSString, _ root: Int32) -> String? {
        let number = open(path, root, UInt64(CS_O_PATH))
        guard number >= 0 else { return "errno \(-number)" }
        let file = OwnedFileDescriptor(owning: Int32(number))
        var found = stat()
        guard fstat(file.number, &found) == 0 else { return "errno \(errno)" }
        return found.st_mode & S_IFMT == S_IFREG && found.st_size == 0 ? nil : "other bytes"
    }

    private static let rootOnly = "a file that root alone may open"

    /// Of a file of the kernel; the way to it is the place's own proc, in which nobody puts links.
    private static func owner(_ path: OSString, _ root: Int32) -> String {
        var found = cs_identity()
        let relative = OSString(Array(path.bytes.drop { $0 == UInt8(ascii: "/") }))
        let result = relative.withPointer { cs_identify(root, $0, &found) }
        if result < 0 { return "errno \(-result)" }
        if cs_is_root_only(&found) == 1 { return rootOnly }
        return "owner \(found.uid), mode \(String(found.mode, radix: 8))"
    }

    private static func link(_ path: OSString, _ root: Int32) -> String {
        do throws(SyscallError) {
            let relative = OSString(Array(path.bytes.drop { $0 == UInt8(ascii: "/") }))
            return try FileReading.link(relative, below: root).description
        } catch { return "errno \(error.errno)" }
    }

    private static func folder(_ path: OSString, _ root: Int32) -> String {
        let number = open(path, root, UInt64(CS_O_PATH | CS_O_DIRECTORY))
        guard number >= 0 else { return "errno \(-number)" }
        _ = close(Int32(number))
        return "a folder"
    }
}
