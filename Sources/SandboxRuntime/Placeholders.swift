internal import CShims
internal import Glibc
internal import SandboxKernel
public import SandboxPlan

/// Placeholders that stand on the host for missing names while jobs run in a workspace.
///
/// The ledger in our state folder names each before it is made; its lock is held shared by every run in the workspace.
/// Whoever can get the lock exclusively is alone, and removes what the ledger names: the last run, or the next after a
/// crash. Only an empty folder or a file of ours that says nothing is ever taken away, so nothing of anybody's can be
/// lost, and none that another run's mounts stand on: a run with another workspace or state folder may show the same one
/// (SpareFolders).
public struct Placeholders: ~Copyable {
    private let ledger: PlaceholderLedger
    private let spares: SpareFolders
    private let held = HeldNames()

    /// How often it is looked whether the ledger is free, once a millisecond.
    private static let patience = 5000
    /// The same for a placeholder: while somebody has it for longer, nobody else can take it away either.
    private static let shortPatience = 200

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
        if number < 0 { throw Placeholders.ledgerRefusal("openat2", Int32(-number)) }
        let file = PlaceholderLedger(file: OwnedFileDescriptor(owning: Int32(number)))
        let spares = SpareFolders(below: folder)
        if cs_flock(file.file.number, LOCK_EX | LOCK_NB) == 0 { _ = Placeholders.clear(file, spares, held) }
        let locked = Placeholders.shared(file.file.number)
        if locked < 0 { throw Placeholders.ledgerRefusal("flock", Int32(-locked)) }
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
        if !held.isOver { _ = Placeholders.end(ledger, spares, held) }
    }

    /// Takes away what this run has made, if it is the last one in the workspace; once.
    ///
    /// To be called when no process of the job is left; its mounts may still be there.
    ///
    /// - Returns: warnings.
    public func end() -> [String] { held.isOver ? [] : Placeholders.end(ledger, spares, held) }

    private static func end(
        _ ledger: borrowing PlaceholderLedger,
        _ spares: borrowing SpareFolders,
        _ held: HeldNames
    ) -> [String] {
        held.isOver = true
        // Or our own locks would keep the names.
        held.letGo()
        // The last one out: an exclusive lock is only to be had when no other run holds the shared one.
        guard cs_flock(ledger.file.number, LOCK_EX | LOCK_NB) == 0 else { return [] }
        return clear(ledger, spares, held)
    }

    /// Makes the missing names, and keeps other runs from taking away what mounts of this one stand on.
    ///
    /// - Parameter plan: its covers, its protected names and its writable folders.
    /// - Throws: `Refusal` when a name cannot be written down, made or held; what was made goes with the value.
    public func make(for plan: LaunchPlan) throws(Refusal) {
        for folder in plan.writableFolders {
            do throws(HeldNames.HoldError) {
                try held.enter(folder)
            } catch { throw Placeholders.refusal(folder, "openat2", error.result) }
        }
        for name in plan.standingNames { try hold(name) }
        let placeholders = plan.hostPlaceholders
        guard !placeholders.isEmpty else { return }
        // Written down before they are made: a crash in between leaves a name too many, never a placeholder unknown.
        do throws(SyscallError) {
            try ledger.add(placeholders)
        } catch { throw Placeholders.ledgerRefusal(error.call, error.errno) }
        for placeholder in placeholders { try make(placeholder) }
    }

    private func make(_ placeholder: Placeholder) throws(Refusal) {
        let path = placeholder.path
        let folder = held.parent(of: path)
        if folder < 0 { throw Placeholders.refusal(path, "openat2", Int(folder)) }
        // Another run, which had made the name before us, may take it away again before it is held.
        for _ in 0..<8 {
            switch try hold(spares.put(path.lastComponent, placeholder.kind, into: folder), placeholder, in: folder) {
            case .held, .busy: return
            case .notNeeded:
                // Of a folder, what has come into being meanwhile is covered; what git follows must not be there at all.
                if placeholder.kind == .commonFolder { throw CommonFolder.refusal(path) }
                return
            case .closed: throw Placeholders.closed(path)
            case .gone: continue
            }
        }
        throw Placeholders.refusal(path, "flock", Int(-ENOENT))
    }

    private func hold(
        _ put: consuming SpareFolders.Put,
        _ placeholder: Placeholder,
        in folder: Int32
    ) throws(Refusal) -> HeldNames.Result {
        let path = placeholder.path
        let name = path.lastComponent
        switch consume put {
        case .moved(let found):
            let result = held.hold(opened: found, name, in: folder)
            if result != .busy { return result }
            return try hold(name, placeholder.kind, in: folder, path, isOurs: true)
        case .made: return try hold(name, placeholder.kind, in: folder, path, isOurs: true)
        case .stands: return try hold(name, placeholder.kind, in: folder, path)
        case .failed(let result):
            throw Placeholders.refusal(path, placeholder.kind == .folder ? "mkdirat" : "openat2", Int(result))
        }
    }

    private func hold(_ name: StandingName) throws(Refusal) {
        let path = name.placeholder.path
        let result = try hold(path, name.placeholder.kind, in: FileReading.currentFolder, path)
        if result == .closed && name.isNeeded { throw Placeholders.closed(path) }
    }

    private func hold(
        _ name: OSString,
        _ kind: Placeholder.Kind,
        in folder: Int32,
        _ path: OSString,
        isOurs: Bool = false
    ) throws(Refusal) -> HeldNames.Result {
        do throws(HeldNames.HoldError) {
            var tries = 0
            // A signal ends the waiting, not the trying: what is free is held, and the launch says what came of it.
            while true {
                let result = try held.hold(name, kind, in: folder, isOurs: isOurs)
                tries += 1
                let goesOn = result == .busy && tries < Placeholders.shortPatience && !SignalSource.isEndPending
                if !goesOn { return result }
                usleep(1000)
            }
        } catch { throw Placeholders.refusal(path, "openat2", error.result) }
    }

    /// Removes everything the ledger names that is still nobody's, then empties the ledger.
    private static func clear(
        _ ledger: borrowing PlaceholderLedger,
        _ spares: borrowing SpareFolders,
        _ held: HeldNames
    ) -> [String] {
        guard let entries = ledger.entries() else { return [] }
        var warnings: [String] = []
        var isDone = true
        if !entries.isEmpty {
            let company = Company(around: entries, held.parents)
            let isAlone = company.isAlone()
            var kept: [Placeholder] = []
            for entry in entries {
                // The folder as it was when the name was made: somebody may have given it another name.
                let folder = held.parent(of: entry.path)
                let name = entry.path.lastComponent
                let taken =
                    folder < 0 ? .notNow(folder) : spares.take(name, entry.kind, outOf: folder, keeping: isAlone)
                switch taken {
                case .away, .notOurs: continue
                case .kept: kept.append(entry)
                case .notNow: isDone = false
                case .stranded:
                    isDone = false
                    warnings.append(
                        "\(entry.path) is another one now: what was in the one before lies in `spare` beside the records"
                    )
                }
            }
            // Whoever came before this may have opened what we moved; whoever comes later finds nothing of it.
            if !kept.isEmpty && !company.isAlone() { for entry in kept { spares.drop(entry) } }
        }
        // All lines or none: they would be lost between the two if we were ended here.
        if isDone { ledger.empty() }
        return warnings
    }

    private static func closed(_ path: OSString) -> Refusal {
        Refusal(
            stage: "place",
            step: "openat2",
            subject: path.description,
            errno: EACCES,
            message: "\(path) is closed to us, so nobody keeps another run from taking it away while the job runs",
            remedy: "make it yours or readable (chown, chmod 755), or remove it if it is empty",
            layer: .mounts
        )
    }

    private static func ledgerRefusal(_ call: String, _ errno: Int32) -> Refusal {
        Refusal(
            stage: "place",
            step: call,
            subject: "placeholders",
            errno: errno,
            message: "the list of missing names that are guarded cannot be kept",
            remedy: "see that the state folder can be written and its disk is not full, and that no run hangs there",
            layer: .mounts
        )
    }

    private static func refusal(_ path: OSString, _ call: String, _ result: Int) -> Refusal {
        Refusal(
            stage: "place",
            step: call,
            subject: path.description,
            errno: Int32(-result),
            message: "a missing protected name could not be guarded",
            remedy: "see that \(path.parent) can be written, or make the name yourself",
            layer: .mounts
        )
    }
}
