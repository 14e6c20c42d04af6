internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// One of the caller's descriptors 0, 1 and 2: what it leads to.
struct CallerStream {
    let number: Int32
    let kind: StandardStream.Kind
    /// Status flags of the open file (fcntl(2), F_GETFL).
    let flags: Int
    let identity: cs_identity
    /// Of a regular file: the path that leads to this very file on this very mount.
    let path: OSString?

    var name: String { CallerStream.names[Int(number)] }
    var isWritable: Bool { flags & 3 != Int(O_RDONLY) }
    var isReadable: Bool { flags & 3 != Int(O_WRONLY) }
    /// The controlling side of a terminal: opening it again makes another terminal (pts(4)).
    var isTerminalMaster: Bool { kind == .terminal && identity.major == 5 && identity.minor == 2 }

    private static let names = ["stdin", "stdout", "stderr"]

    /// - Parameters:
    ///   - number: 0, 1 or 2.
    ///   - isClosed: whether the caller had it closed (`cs_ensure_stdio`).
    /// - Throws: `Refusal` for a folder, an O_PATH descriptor, a block device and other things that show the host.
    init(_ number: Int32, isClosed: Bool) throws(Refusal) {
        let name = CallerStream.names[Int(number)]
        self.number = number
        flags = cs_fcntl_getfl(number)
        if flags < 0 { throw Refusal(stream: name, call: "fcntl", errno: Int32(-flags)) }
        guard flags & Int(CS_O_PATH) == 0 else {
            throw Refusal(stream: name, is: "an O_PATH descriptor, which can only lead to a place on the host")
        }
        identity = try CallerStream.identity(of: number, name)
        switch identity.mode & S_IFMT {
        case S_IFIFO: (kind, path) = (.pipe, nil)
        case S_IFSOCK: (kind, path) = (.socket, nil)
        case S_IFREG:
            path = try CallerStream.path(to: number, identity, name)
            kind = path == nil ? .anonymous : .file
        case S_IFCHR:
            path = nil
            if identity.major == 1, [3, 5, 7, 8, 9].contains(identity.minor) {
                kind = identity.minor == 3 || isClosed ? .nullDevice : .characterDevice
            } else if isatty(number) == 1 {
                kind = .terminal
            } else {
                let device = "\(identity.major):\(identity.minor)"
                throw Refusal(stream: name, is: "the device \(device), which is not of the sandbox")
            }
        case S_IFDIR: throw Refusal(stream: name, is: "a folder, which would show the host")
        case S_IFBLK: throw Refusal(stream: name, is: "a block device")
        default: throw Refusal(stream: name, is: "neither a pipe, a file, a socket nor a terminal")
        }
    }

    /// The three of them; bit i of `closed` is set when the caller had descriptor i closed (`cs_ensure_stdio`).
    static func all(closed: Int) throws(Refusal) -> [CallerStream] {
        var all: [CallerStream] = []
        for number in Int32(0)..<3 { all.append(try CallerStream(number, isClosed: closed & (1 << number) != 0)) }
        return all
    }

    /// For the record of a job that gets it as it is.
    var recorded: StandardStream {
        StandardStream(
            number: number,
            kind: kind,
            device: identity.device,
            inode: identity.inode,
            isRelayed: false
        )
    }

    /// Whether both are the same pipe, socket or terminal, open in the same direction; two opened files have an offset each.
    func isSame(as other: CallerStream) -> Bool {
        kind == other.kind && isWritable == other.isWritable && kind != .file && kind != .anonymous
            && identity.device == other.identity.device && identity.inode == other.identity.inode
    }

    /// Whether the process that started us has the very same pipe or socket as its own descriptor of this number.
    ///
    /// What cannot be looked at is not the same: then it is another user's.
    var isSharedWithParent: Bool {
        var parents = cs_identity()
        return cs_identify_following(FileReading.currentFolder, "/proc/\(getppid())/fd/\(number)", &parents) == 0
            && parents.device == identity.device && parents.inode == identity.inode
    }

    static func identity(of number: Int32, _ name: String) throws(Refusal) -> cs_identity {
        var found = cs_identity()
        let result = cs_identify(number, "", &found)
        if result < 0 { throw Refusal(stream: name, call: "statx", errno: Int32(-result)) }
        return found
    }

    /// Nil for what is deleted, lies under a mount, or never had a name (memfd_create(2)).
    private static func path(to number: Int32, _ identity: cs_identity, _ name: String) throws(Refusal) -> OSString? {
        let path: OSString
        do throws(SyscallError) {
            path = try FileReading.link(OSString("/proc/self/fd/\(number)"))
        } catch { throw Refusal(stream: name, call: error.call, errno: error.errno) }
        var found = cs_identity()
        let result = path.withPointer { cs_identify(FileReading.currentFolder, $0, &found) }
        // EACCES: whoever opened it for us may go where we may not.
        if [-ENOENT, -ENOTDIR, -EACCES].contains(Int32(result)) { return nil }
        if result < 0 { throw Refusal(stream: name, call: "statx", errno: Int32(-result)) }
        let isIt = found.device == identity.device && found.inode == identity.inode && found.mount == identity.mount
        return isIt ? path : nil
    }
}
