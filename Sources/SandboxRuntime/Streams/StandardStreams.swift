internal import CShims
internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// What the caller's standard streams are, and what the worker gets in their place.
///
/// A pipe is passed as an open file description of its own, so that O_NONBLOCK set inside never reaches the caller. A
/// regular file is passed as it is: its offset is shared with whoever opened it. A terminal or a socket is relayed
/// through a pipe: the job never holds a descriptor of the host's terminal. Anything that leads further is refused.
public struct StandardStreams: ~Copyable {
    public typealias Kind = StandardStream.Kind

    /// What the three are, for the record.
    public private(set) var kinds: [Kind] = []
    /// What the worker gets, owned here until it is sent.
    private(set) var given: [Int32] = []
    /// Status flags of files that are passed as they are: the job may change them, and they are the caller's.
    private var shared: [(number: Int32, flags: Int)] = []
    /// Relays the supervisor runs.
    private(set) var relays: [Relay] = []

    deinit {
        for number in given { _ = close(number) }
    }

    /// - Parameters:
    ///   - closed: bit i set when the caller had descriptor i closed (`cs_ensure_stdio`).
    ///   - guarded: paths a reopened file must not lie in: protected and denied ones.
    /// - Throws: `Refusal` for a directory, an O_PATH descriptor, a block device and other things that show the host.
    public init(closed: Int, guarded: [OSString]) throws(Refusal) {
        for number in Int32(0)..<3 {
            let isClosed = closed & (1 << number) != 0
            try add(number, isClosed: isClosed, guarded: guarded)
        }
    }

    var identities: [StreamIdentity] {
        get throws(Refusal) {
            var identities: [StreamIdentity] = []
            for (index, number) in given.enumerated() {
                let found = try StandardStreams.identify(number, "standard stream \(index)")
                identities.append(StreamIdentity(device: found.device, inode: found.inode))
            }
            return identities
        }
    }

    /// What the worker got, for the record.
    var recorded: [StandardStream] {
        get throws(Refusal) {
            let identities = try identities
            return identities.indices.map {
                StandardStream(
                    number: Int32($0),
                    kind: kinds[$0],
                    device: identities[$0].device,
                    inode: identities[$0].inode
                )
            }
        }
    }

    /// Gives shared descriptions the flags back that they had: O_NONBLOCK or O_APPEND set inside end with the job.
    func restoreFlags() {
        for file in shared where cs_fcntl_getfl(file.number) != file.flags {
            _ = cs_set_flags(file.number, Int32(file.flags))
        }
    }

    /// Our copies are not needed once the worker has its own: a reader must see the end of file.
    mutating func closeGiven() {
        for number in given { _ = close(number) }
        given = []
    }

    mutating func takeRelays() -> [Relay] {
        defer { relays = [] }
        return relays
    }

    // MARK: -

    private mutating func add(_ number: Int32, isClosed: Bool, guarded: [OSString]) throws(Refusal) {
        let name = ["stdin", "stdout", "stderr"][Int(number)]
        let flags = cs_fcntl_getfl(number)
        if flags < 0 { throw StandardStreams.refusal(name, "fcntl", Int32(-flags)) }
        guard flags & Int(CS_O_PATH) == 0 else {
            throw StandardStreams.refused(name, "an O_PATH descriptor, which can only lead to a place on the host")
        }
        let found = try StandardStreams.identify(number, name)
        switch found.mode & S_IFMT {
        case S_IFIFO: try addPipe(number, name, flags)
        case S_IFREG: try addFile(number, name, guarded)
        case S_IFSOCK: try addRelay(number, name, .socket)
        case S_IFCHR:
            if isatty(number) == 1 {
                try addRelay(number, name, .terminal)
            } else if found.major == 1, [3, 5, 7, 8, 9].contains(found.minor) {
                try pass(number, name, found.minor == 3 || isClosed ? .nullDevice : .characterDevice)
            } else {
                throw StandardStreams.refused(
                    name,
                    "the device \(found.major):\(found.minor), which is not of the sandbox"
                )
            }
        case S_IFDIR: throw StandardStreams.refused(name, "a folder, which would show the host")
        case S_IFBLK: throw StandardStreams.refused(name, "a block device")
        default: throw StandardStreams.refused(name, "neither a pipe, a file, a socket nor a terminal")
        }
    }

    private mutating func pass(_ number: Int32, _ name: String, _ kind: Kind) throws(Refusal) {
        let copy = cs_duplicate(number)
        if copy < 0 { throw StandardStreams.refusal(name, "fcntl(F_DUPFD_CLOEXEC)", Int32(-copy)) }
        given.append(Int32(copy))
        kinds.append(kind)
        let flags = cs_fcntl_getfl(number)
        if flags >= 0 { shared.append((number, flags)) }
    }

    /// A description of its own for the same pipe (proc(5), /proc/PID/fd); what cannot be reopened is relayed.
    private mutating func addPipe(_ number: Int32, _ name: String, _ flags: Int) throws(Refusal) {
        let path = "/proc/self/fd/\(number)"
        // O_NONBLOCK only for the open: a FIFO without a writer must not stop us.
        let opened = cs_openat2(-100, path, UInt64(flags & 3) | UInt64(O_NONBLOCK), 0, 0)
        guard opened >= 0 else {
            try addRelay(number, name, .pipe)
            return
        }
        let result = cs_set_blocking(Int32(opened))
        given.append(Int32(opened))
        kinds.append(.pipe)
        if result < 0 { throw StandardStreams.refusal(name, "fcntl(F_SETFL)", Int32(-result)) }
    }

    /// A file that lies where the worker may not write would be reachable through `/proc/self/fd`: relayed instead.
    private mutating func addFile(_ number: Int32, _ name: String, _ guarded: [OSString]) throws(Refusal) {
        let path: OSString
        do throws(SyscallError) {
            path = try FileReading.link(OSString("/proc/self/fd/\(number)"))
        } catch { throw StandardStreams.refusal(name, error.call, error.errno) }
        if guarded.contains(where: { path.isWithin($0) }) {
            try addRelay(number, name, .file)
        } else {
            try pass(number, name, .file)
        }
    }

    private mutating func addRelay(_ number: Int32, _ name: String, _ kind: Kind) throws(Refusal) {
        var pair: [Int32] = [-1, -1]
        let result = cs_pipe(&pair)
        if result < 0 { throw StandardStreams.refusal(name, "pipe2", Int32(-result)) }
        let inward = number == 0
        given.append(inward ? pair[0] : pair[1])
        kinds.append(kind)
        relays.append(
            inward ? Relay(from: number, to: pair[1], owns: pair[1]) : Relay(from: pair[0], to: number, owns: pair[0])
        )
    }

    private static func identify(_ number: Int32, _ name: String) throws(Refusal) -> cs_identity {
        var found = cs_identity()
        let result = cs_identify(number, "", &found)
        if result < 0 { throw refusal(name, "statx", Int32(-result)) }
        return found
    }

    private static func refusal(_ name: String, _ call: String, _ errno: Int32) -> Refusal {
        Refusal(
            stage: "process",
            step: call,
            subject: name,
            errno: errno,
            message: "\(name) could not be prepared for the job",
            remedy: "redirect it to a file, a pipe or /dev/null",
            layer: .descriptors
        )
    }

    private static func refused(_ name: String, _ what: String) -> Refusal {
        Refusal(
            stage: "process",
            subject: name,
            message: "\(name) is \(what)",
            remedy: "redirect it to a file, a pipe or /dev/null",
            layer: .descriptors
        )
    }
}
