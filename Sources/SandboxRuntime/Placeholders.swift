internal import CShims
internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// Empty folders that stand on the host for missing protected names while jobs run in a workspace.
///
/// The ledger in our state folder names each before it is made; its lock is held shared by every run in the workspace.
/// Whoever can get the lock exclusively is alone, and removes what the ledger names: the last run, or the next after a
/// crash. Only an empty folder is ever taken away, so nothing of anybody's can be lost, and none that another run's mounts
/// stand on: a run with another workspace or state folder may show the same one (SpareFolders).
public struct Placeholders: ~Copyable {
    private let ledger: OwnedFileDescriptor
    private let spares: SpareFolders
    private let held = HeldFolders()

    /// How often it is looked whether a lock is free, once a millisecond.
    private static let patience = 5000

    /// Takes the shared lock; when nobody else is here, first cleans up after a run that crashed.
    ///
    /// Before the workspace is looked at for a plan: a name that another run made must not vanish in between.
    ///
    /// - Parameter folder: the workspace's folder below our state folder.
    /// - Throws: `Refusal` when the ledger cannot be opened or locked.
    public init(ledgerIn folder: Int32) throws(Refusal) {
        // O_APPEND: several runs write their names at the same time.
        let flags = UInt64(O_RDWR | O_CREAT | O_APPEND) | UInt64(CS_O_NOFOLLOW)
        let number = cs_openat2(folder, "placeholders", flags, 0o600, UInt64(CS_RESOLVE_NO_SYMLINKS))
        if number < 0 { throw Placeholders.refusal("placeholders", "openat2", number) }
        let file = OwnedFileDescriptor(owning: Int32(number))
        let spares = SpareFolders(below: folder)
        if cs_flock(file.number, LOCK_EX | LOCK_NB) == 0 { Placeholders.clear(file.number, spares) }
        let locked = Placeholders.shared(file.number)
        if locked < 0 { throw Placeholders.refusal("placeholders", "flock", locked) }
        ledger = file
        self.spares = spares
    }

    /// Not for ever: whoever removes names at this moment may have been stopped.
    private static func shared(_ ledger: Int32) -> Int {
        var locked = 0
        for _ in 0..<patience {
            locked = cs_flock(ledger, LOCK_SH | LOCK_NB)
            guard locked == Int(-EWOULDBLOCK), !SignalSource.isEndPending else { break }
            usleep(1000)
        }
        return locked
    }

    deinit {
        // Or our own locks would keep the names.
        held.letGo()
        // The last one out: an exclusive lock is only to be had when no other run holds the shared one.
        if cs_flock(ledger.number, LOCK_EX | LOCK_NB) == 0 { Placeholders.clear(ledger.number, spares) }
    }

    /// Makes the missing names, and keeps other runs from taking away what mounts of this one stand on.
    ///
    /// - Parameters:
    ///   - names: absolute paths of missing names.
    ///   - standing: absolute paths of folders that are there, and may be another run's.
    /// - Throws: `Refusal` when a name cannot be written down, made or held; what was made goes with the value.
    public func make(_ names: [OSString], standing: [OSString]) throws(Refusal) {
        for folder in standing { _ = try hold(folder, in: FileReading.currentFolder, folder) }
        guard !names.isEmpty else { return }
        // Written down before they are made: a crash in between leaves a name too many, never a folder unknown.
        // What an overlapping run has written down already need not be written again, or the ledger would only grow.
        guard let known = Placeholders.names(in: ledger.number) else {
            throw Placeholders.refusal("placeholders", "read", -Int(EIO))
        }
        var lines: [UInt8] = []
        for name in names where !known.contains(name) { lines += Placeholders.line(name) }
        let number = ledger.number
        var written = 0
        while written < lines.count {
            let result = lines[written...].withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
            if result < 0 && errno == EINTR { continue }
            if result <= 0 { throw Placeholders.refusal("placeholders", "write", -Int(result < 0 ? errno : EIO)) }
            written += result
        }
        try Placeholders.inFolders(of: names) { (folder, name) throws(Refusal) in
            // Another run, which had made the name before us, may take it away again before it is held.
            for _ in 0..<8 {
                let result = folder < 0 ? folder : spares.put(name.lastComponent, into: folder)
                if result != 0 && result != -EEXIST {
                    throw Placeholders.refusal(name.description, "mkdirat", Int(result))
                }
                if try hold(name.lastComponent, in: folder, name) { return }
            }
            throw Placeholders.refusal(name.description, "flock", Int(-ENOENT))
        }
    }

    /// False when it is not there any more.
    private func hold(_ name: OSString, in folder: Int32, _ path: OSString) throws(Refusal) -> Bool {
        do throws(HeldFolders.HoldError) {
            var tries = 0
            // A signal ends the waiting, not the trying: what is free is held, and the launch says what came of it.
            while tries < Placeholders.patience, tries == 0 || !SignalSource.isEndPending {
                switch try held.hold(name, in: folder) {
                case .held, .notNeeded: return true
                case .gone: return false
                case .busy:
                    tries += 1
                    usleep(1000)
                }
            }
        } catch { throw Placeholders.refusal(path.description, "openat2", error.result) }
        throw Placeholders.refusal(path.description, "flock", Int(-EWOULDBLOCK))
    }

    /// Removes every folder the ledger names that is still an empty folder, then empties the ledger.
    private static func clear(_ ledger: Int32, _ spares: borrowing SpareFolders) {
        guard let names = names(in: ledger), !names.isEmpty else { return }
        var keep: [UInt8] = []
        inFolders(of: names) { folder, name in
            let result = folder < 0 ? folder : spares.take(name.lastComponent, outOf: folder)
            // Gone, or somebody put something in and it is theirs now. Anything else is tried again by the next run: mounts of
            // another run stand on it (EBUSY), or a job has closed the folder to us (EACCES).
            if ![0, -ENOENT, -ENOTDIR, -ENOTEMPTY, -EEXIST, -ELOOP].contains(result) { keep += line(name) }
        }
        guard lseek(ledger, 0, SEEK_SET) == 0, ftruncate(ledger, 0) == 0 else { return }
        if !keep.isEmpty { _ = keep.withUnsafeBytes { write(ledger, $0.baseAddress, $0.count) } }
    }

    /// The names in the ledger; nil when it cannot be read.
    private static func names(in ledger: Int32) -> [OSString]? {
        guard lseek(ledger, 0, SEEK_END) != 0 else { return [] }
        guard lseek(ledger, 0, SEEK_SET) == 0 else { return nil }
        var text: [UInt8] = []
        while text.count < 1 << 20 {
            var failed = false
            let chunk = [UInt8](unsafeUninitializedCapacity: 16384) { space, count in
                let result = read(ledger, space.baseAddress, 16384)
                failed = result < 0
                count = max(result, 0)
            }
            if failed { return nil }
            if chunk.isEmpty { break }
            text += chunk
        }
        var names: [OSString] = []
        for line in text.split(separator: 0x0A) {
            guard let path = path(line) else { continue }
            names.append(path)
        }
        return names
    }

    /// A path per line in hexadecimal: a name may hold a newline.
    private static func line(_ path: OSString) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return path.bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] } + [0x0A]
    }

    private static func path(_ line: ArraySlice<UInt8>) -> OSString? {
        func value(_ digit: UInt8) -> UInt8? {
            switch digit {
            case 0x30...0x39: digit - 0x30
            case 0x61...0x66: digit - 0x61 + 10
            default: nil
            }
        }
        guard line.count % 2 == 0, !line.isEmpty else { return nil }
        var bytes: [UInt8] = []
        var rest = line
        while let first = rest.popFirst(), let second = rest.popFirst() {
            guard let high = value(first), let low = value(second) else { return nil }
            bytes.append(high << 4 | low)
        }
        return OSString(bytes).isAbsolute ? OSString(bytes) : nil
    }

    /// Calls `body` for each path with its folder, opened once for neighbours, or with -errno.
    ///
    /// The folder is opened without following any link: as root, the workspace's owner must not send us elsewhere.
    private static func inFolders<Failure: Error>(
        of paths: [OSString],
        _ body: (Int32, OSString) throws(Failure) -> Void
    ) throws(Failure) {
        var parent: OSString?
        var number: Int32 = -1
        defer { if number >= 0 { _ = close(number) } }
        for path in paths {
            if parent != path.parent {
                if number >= 0 { _ = close(number) }
                parent = path.parent
                let flags = UInt64(CS_O_PATH | CS_O_DIRECTORY)
                let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
                let opened = path.parent.withPointer { cs_openat2(FileReading.currentFolder, $0, flags, 0, resolve) }
                number = Int32(opened)
            }
            try body(number, path)
        }
    }

    private static func refusal(_ subject: String, _ call: String, _ result: Int) -> Refusal {
        Refusal(
            stage: "place",
            step: call,
            subject: subject,
            errno: Int32(-result),
            message: "a missing protected name could not be guarded",
            remedy: "make the name yourself, or take it out of filesystem.cover_missing",
            layer: .mounts
        )
    }
}
