internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// What the worker gets in place of the caller's standard streams.
///
/// Whatever the job could open again through `/proc/self/fd` with other rights than it was given is relayed through a
/// pipe of our own: pipes, sockets, terminals, files without a path, files where the job may write but not there.
/// A terminal becomes one of the place (`Terminals`), unless the caller wants pipes. Landlock refuses it for every other regular file; such a file is passed as it is, and its offset stays shared with
/// whoever opened it. The null device and its like are passed too. Anything that leads further is refused.
public struct StandardStreams: ~Copyable {
    /// What the worker gets, owned here until it is sent.
    private(set) var given: [Int32] = []
    /// What it is, for the record.
    private(set) var recorded: [StandardStream] = []
    /// What a person is told about it.
    private(set) var notes: [String] = []
    /// Relays the supervisor runs.
    private(set) var relays: [Relay] = []
    /// The place's terminals, once pid 1 has opened them.
    private(set) var terminals: Terminals?
    /// Terminals of the caller's that the job writes to through pipes.
    private var silenced: [SilencedTerminal] = []
    private var callers: [CallerStream] = []
    /// Status flags of files that are passed as they are: the job may change them, and they are the caller's.
    private var shared: [(number: Int32, flags: Int)] = []

    /// What decides whether a file is passed.
    struct Rules {
        /// Paths a reopened file must not lie in: read-only, protected and denied ones.
        var guarded: [OSString]
        /// Folders of the host that the job may write to.
        var writable: [OSString]
        var landlock: LandlockPlan
        /// Whether what the job writes is to be counted: nobody could where it has the file itself.
        var countsOutput: Bool
        /// Who will use the streams.
        var worker: IdentityPlan
    }

    deinit {
        for number in given where number >= 0 { _ = close(number) }
    }

    var identities: [StreamIdentity] { recorded.map { StreamIdentity(device: $0.device, inode: $0.inode) } }

    /// Makes what the worker gets for each of the caller's.
    ///
    /// - Parameters:
    ///   - streams: the caller's three.
    ///   - rules: what decides whether a file is passed.
    ///   - terminals: streams that become a terminal, which is given by `attach`.
    /// - Throws: `Refusal` for a file of the kernel's, and when a pipe cannot be made.
    mutating func take(_ streams: [CallerStream], _ rules: Rules, terminals: [[Int]]) throws(Refusal) {
        callers = streams
        for (index, stream) in streams.enumerated() {
            if terminals.contains(where: { $0.contains(index) }) {
                if stream.kind == .file || stream.kind == .anonymous { try StandardStreams.checkFileSystem(stream) }
                given.append(-1)
                recorded.append(stream.recorded)
                continue
            }
            switch stream.kind {
            case .nullDevice, .characterDevice: try pass(stream)
            case .pipe, .socket, .terminal:
                // One pipe for both keeps the order of what is written to one and the other (`2>&1`).
                if index == 2, stream.isSame(as: streams[1]) {
                    try repeatLast(stream)
                } else {
                    try relay(stream, rules)
                }
            case .file, .anonymous:
                try StandardStreams.checkFileSystem(stream)
                if !(rules.countsOutput && index > 0), try StandardStreams.canBePassed(stream, rules) {
                    try pass(stream)
                } else if index == 2, rules.countsOutput, stream.isSame(as: streams[1]), recorded.count == 2 {
                    try repeatLast(stream)
                } else {
                    try relay(stream, rules)
                }
            }
        }
    }

    /// Gives the streams that are terminals their ends, now that pid 1 has opened them.
    ///
    /// - Parameters:
    ///   - controlling: what pid 1 has sent; taken over.
    ///   - layout: the streams of each.
    /// - Throws: `Refusal`.
    mutating func attach(_ controlling: [Int32], _ layout: [[Int]]) throws(Refusal) {
        let terminals = try Terminals(controlling, layout, callers)
        for (terminal, group) in zip(terminals.all, layout) {
            for index in group {
                let stream = callers[index]
                given[index] = try terminal.end(for: stream)
                let identity = try CallerStream.identity(of: given[index], stream.name)
                recorded[index] = StandardStream(
                    number: stream.number,
                    kind: .terminal,
                    device: identity.device,
                    inode: identity.inode,
                    isRelayed: true
                )
            }
        }
        relays += terminals.relays
        self.terminals = terminals
    }

    /// After the job's end: gives the caller's terminal back, with everything that can be shown at once.
    func settleTerminals() {
        terminals?.settle()
        guard !silenced.isEmpty else { return }
        OutputDelivery(relays.filter { $0.isOutward }).deliverWithoutWaiting()
        for terminal in silenced where !terminal.isShowing { terminal.undo() }
    }

    /// Whether something is still to be shown on one.
    var isShowing: Bool { terminals?.isShowing ?? false || silenced.contains { $0.isShowing } }

    /// Our copies are not needed once the worker has its own: a reader must see the end of file.
    mutating func closeGiven() {
        for number in given where number >= 0 { _ = close(number) }
        given = []
    }

    /// After the job's end: brings the rest of its output to the caller, and its descriptors back to what they were.
    ///
    /// - Returns: what became of output that nobody took; nil when there is none.
    mutating func end() -> String? {
        closeGiven()
        for relay in relays where !relay.isOutward { relay.finish() }
        let lost = OutputDelivery(relays.filter { $0.isOutward }).run()
        terminals?.end()
        for terminal in silenced { terminal.undo() }
        relays = []
        // O_NONBLOCK or O_APPEND set inside end with the job.
        for file in shared where cs_fcntl_getfl(file.number) != file.flags {
            _ = cs_set_flags(file.number, Int32(file.flags))
        }
        return lost
    }

    // MARK: -

    private mutating func pass(_ stream: CallerStream) throws(Refusal) {
        give(try StandardStreams.copy(of: stream.number, stream))
        recorded.append(stream.recorded)
        shared.append((stream.number, stream.flags))
    }

    private mutating func relay(_ stream: CallerStream, _ rules: Rules) throws(Refusal) {
        var pair: [Int32] = [-1, -1]
        let result = cs_pipe(&pair)
        if result < 0 { throw Refusal(stream: stream.name, call: "pipe2", errno: Int32(-result)) }
        let isInput = stream.number == STDIN_FILENO
        let (ours, theirs) = isInput ? (pair[1], pair[0]) : (pair[0], pair[1])
        give(theirs)
        let relay = Relay(stream, ours: ours)
        relays.append(relay)
        if !isInput && stream.kind == .terminal {
            let known = silenced.first { $0.isSame(stream) }
            let terminal = known ?? SilencedTerminal(stream)
            if known == nil { silenced.append(terminal) }
            relay.filter = terminal.filter()
        }
        // Each end is a description of its own, and only ours does not wait.
        let flagged = cs_set_flags(ours, O_NONBLOCK)
        if flagged < 0 { throw Refusal(stream: stream.name, call: "fcntl", errno: Int32(-flagged)) }
        if rules.worker.dropsFromRoot {
            // The worker is somebody else then, and opens /dev/stdout only if it is the worker's.
            let owned = fchown(theirs, rules.worker.uid, rules.worker.gid)
            let code = errno
            if owned < 0 { throw Refusal(stream: stream.name, call: "fchown", errno: code) }
        }
        try record(stream, theirs)
        // Open for the other direction only: nothing will ever come, or be taken. The job sees that as the end of its input, or
        // as a broken pipe, and nobody waits for it.
        if !(isInput ? stream.isReadable : stream.isWritable) { relay.finish() }
        if isInput && stream.isReadable { note(stream) }
    }

    /// The pipe of the stream before it again.
    private mutating func repeatLast(_ stream: CallerStream) throws(Refusal) {
        let number = try StandardStreams.copy(of: given[given.count - 1], stream)
        give(number)
        try record(stream, number)
    }

    private mutating func give(_ number: Int32) {
        given.append(number)
    }

    private mutating func record(_ stream: CallerStream, _ number: Int32) throws(Refusal) {
        let identity = try CallerStream.identity(of: number, stream.name)
        recorded.append(
            StandardStream(
                number: stream.number,
                kind: stream.kind,
                device: identity.device,
                inode: identity.inode,
                isRelayed: true
            )
        )
    }

    private mutating func note(_ stream: CallerStream) {
        switch stream.kind {
        case .terminal: notes.append("stdin is a terminal: the job sees a pipe")
        case .pipe, .socket:
            guard stream.isSharedWithParent else { return }
            notes.append(
                "stdin is shared with the process that started us: what the job leaves unread is lost to it; "
                    + "use </dev/null if the job reads nothing"
            )
        case .file, .anonymous, .nullDevice, .characterDevice: break
        }
    }

    private static func copy(of number: Int32, _ stream: CallerStream) throws(Refusal) -> Int32 {
        let copy = cs_duplicate(number)
        if copy < 0 { throw Refusal(stream: stream.name, call: "fcntl(F_DUPFD_CLOEXEC)", errno: Int32(-copy)) }
        return Int32(copy)
    }

    /// What is read from such a file, and what writing into it does, is the kernel's: not even a descriptor is given.
    private static func checkFileSystem(_ stream: CallerStream) throws(Refusal) {
        var type: UnsafePointer<CChar>?
        let result = cs_kernel_filesystem(stream.number, &type)
        if result < 0 { throw Refusal(stream: stream.name, call: "fstatfs", errno: Int32(-result)) }
        guard let type else { return }
        throw Refusal(stream: stream.name, is: "a file of the kernel's (\(String(cString: type))), no ordinary one")
    }

    /// Whether nothing more than what the descriptor allows comes of it when the job opens the file again.
    ///
    /// Landlock weighs the file's own path, from the mount it was opened on. It lets through what has none (memfds), and
    /// where a writable folder is, it cannot keep a part of it: there only the job's mounts do, and this is not one.
    private static func canBePassed(_ stream: CallerStream, _ rules: Rules) throws(Refusal) -> Bool {
        guard let path = stream.path, !rules.guarded.contains(where: { path.isWithin($0) }) else { return false }
        for folder in rules.writable where try isOnAnotherMount(stream, of: folder) { return false }
        // Before ABI 3 truncate(2) by the descriptor's name is nobody's to refuse; who can write may anyway.
        let needed = LandlockRight.writeFile | LandlockRight.readFile | (stream.isWritable ? 0 : LandlockRight.truncate)
        return rules.landlock.handledFilesystem & needed == needed
    }

    /// Whether it may be a file of that folder by a second mount: then its path says nothing of what it is there.
    private static func isOnAnotherMount(_ stream: CallerStream, of folder: OSString) throws(Refusal) -> Bool {
        var found = cs_identity()
        let result = folder.withPointer { cs_identify(FileReading.currentFolder, $0, &found) }
        if result < 0 { throw Refusal(stream: stream.name, call: "statx", errno: Int32(-result)) }
        return found.device == stream.identity.device && found.mount != stream.identity.mount
    }
}
