internal import CSQLite
internal import CShims
internal import Dispatch
internal import Glibc
internal import Synchronization

/// The store in a SQLite file, in WAL mode.
///
/// **What survives.** A call that has returned survives the end of the process in any way, kill -9 included: its bytes are with
/// the kernel. A power cut or a crash of the kernel may cost the last calls with `Durability.process`, and none with `.power`: those
/// that the kernel had not written out yet, which it does within about half a minute, and at the most what stands in the log since
/// it was last played into the file, 16 MiB. The file is sound in both cases (sqlite.org/pragma.html, "synchronous"). Migrations and
/// adoption are synchronised always.
///
/// **Who waits.** One connection writes, behind a lock; a few read, and wait neither for it nor for each other's rows.
///
/// **Full disks and I/O errors** are errors of the one call, which then has done nothing; later calls work as soon as there is
/// room again. **A file that is replaced, moved or deleted** under the store is seen at the next write, and every write is refused
/// from then on: rows written into a file without a name would be lost with the process. Reads still answer from the file that was opened.
public final class SQLiteStore: WorkspaceStore {
    /// What a call that has returned survives.
    public enum Durability: Hashable, Sendable {
        /// The end of the process; no call waits for the disk, but for one in some hundreds that plays the log back.
        case process
        /// A power cut, too: a synchronisation of the disk for each call, which is some milliseconds.
        case power
    }

    public struct Options: Sendable {
        public var limits = StoreLimits()
        public var durability: Durability = .process
        /// Connections that read.
        public var readers = 3
        /// How long a lock of another process is waited for, in milliseconds.
        public var busyTimeout: Int32 = 5000
        /// Up to this size, in bytes, the whole file is checked at the start; about a second for a GiB that is in memory.
        public var checkedSize: Int64 = 256 << 20
        /// Name and version of the program, for the table of migrations.
        public var tool = "codex-sandbox"
        /// What stands before the id in the column `workspace_path`, which only the original reads.
        public var workspaceRoot = "workspaces"

        public init() {}
    }

    /// Absolute.
    public let path: String
    public let identity: String
    let options: Options
    private let writer: Mutex<SQLiteConnection?>
    private let readers: [LockedReader]
    private let nextReader = Atomic<Int>(0)
    private let lock: Mutex<ServerLock?>
    /// Whether the last call that wrote waited in vain for a lock of another process.
    private let foundBusy = Atomic<Bool>(false)
    /// Since when the call that writes waits for the file's lock, in milliseconds of the monotonic clock; 0 where none does.
    private let waitsSince = Atomic<Int64>(0)
    /// Since when each look at the file's lock has found it with another process, as `waitsSince`; 0 where the last one did not.
    private let busySince = Atomic<Int64>(0)
    /// One look at a time: two at once would each take the other's for a call that writes.
    private let looking = Mutex<Void>(())
    /// In milliseconds: another process's lock that is met for longer, by each look, keeps others from writing.
    private static let patience: Int64 = 250
    /// Between two looks at a lock that was met, in milliseconds.
    private static let pause = 80
    private let watcher = DispatchQueue(label: "codex-sandbox.store.watch", qos: .utility)
    private let isWatched = Atomic<Bool>(false)

    /// A connection that reads, and its lock.
    private final class LockedReader: Sendable {
        let connection: Mutex<SQLiteConnection?>

        init(_ connection: SQLiteConnection) { self.connection = Mutex(connection) }
    }

    /// Opens the database, which is made if it is not there, and brings its schema up to date.
    ///
    /// Nothing of a file that is refused is changed.
    public convenience init(
        _ url: DatabaseURL,
        options: Options = Options(),
        at time: StoredTime = .now()
    ) throws(StoreError) {
        try self.init(url, options: options, at: time, migrations: Migration.all)
    }

    init(
        _ url: DatabaseURL,
        options: Options,
        at time: StoredTime,
        migrations: [Migration]
    ) throws(StoreError) {
        let file = try DatabaseFile(url.path)
        let lock = try ServerLock(of: file.path)
        try RestoreMark.checkNone(file.path)
        if !file.exists { try file.create() }
        let connection = try SQLiteConnection(file.path, .write, busyTimeout: options.busyTimeout)
        try SQLiteCheck(connection: connection).quick(upTo: options.checkedSize, size: file.size)
        _ = try Migrator(connection: connection, tool: options.tool, migrations: migrations).run(at: time)
        try connection.script("PRAGMA journal_size_limit = 16777216")
        try connection.script("PRAGMA synchronous = \(options.durability == .process ? "NORMAL" : "FULL")")
        try connection.script("PRAGMA cache_size = -4096")
        // In pages of 4 KiB: playing the log back is the one write that waits for the disk, and rows share pages meanwhile.
        try connection.script("PRAGMA wal_autocheckpoint = 4000")
        var readers: [LockedReader] = []
        // All at once: one that was opened later could meet another file at the path.
        for _ in 0..<max(options.readers, 1) {
            let reader = try SQLiteConnection(file.path, .read, busyTimeout: options.busyTimeout)
            _ = try reader.row("SELECT count(*) FROM \(Migration.recordTable)", table: Migration.recordTable) {
                (row) throws(StoreError) in try row.integer(0)
            }
            readers.append(LockedReader(reader))
        }
        guard try !connection.hasMoved() else { throw SQLiteStore.moved(file.path) }
        identity = try SQLiteStore.identity(connection, file.path)
        path = file.path
        self.options = options
        self.readers = readers
        self.lock = Mutex(lock)
        writer = Mutex(connection)
    }

    /// The file, which a restored backup replaces, and when it got its first table, for a new one may get its number.
    ///
    /// When the file was made rather than on which device: many file systems get another number of theirs at each mount, and a copy on
    /// another device may have the same number as its original.
    private static func identity(_ connection: SQLiteConnection, _ path: String) throws(StoreError) -> String {
        var found = cs_identity()
        guard cs_identify(AT_FDCWD, path, &found) == 0 else { throw moved(path) }
        let began = try connection.row(
            "SELECT applied_at FROM \(Migration.recordTable) ORDER BY number LIMIT 1",
            table: Migration.recordTable
        ) { (row) throws(StoreError) in try row.text(0) }
        let one = found.born_ns != 0 ? "made \(found.born_ns)" : "on \(found.device)"
        return "\(found.inode) \(one) \(began ?? "")"
    }

    /// Ends it: what is under way ends first, and later calls are errors.
    ///
    /// The log is played into the file, and the lock let go.
    public func close() {
        for reader in readers { reader.connection.withLock { $0 = nil } }
        writer.withLock { $0 = nil }
        lock.withLock { $0 = nil }
    }

    public func releaseMemory() {
        _ = writer.withLockIfAvailable { $0?.releaseMemory() }
        for reader in readers { _ = reader.connection.withLockIfAvailable { $0?.releaseMemory() } }
    }

    public func checkReady() throws(StoreError) {
        // One that writes now has looked itself.
        try looking.withLock { (_) throws(StoreError) in
            _ = try writer.withLockIfAvailable { (connection) throws(StoreError) in
                guard let connection else { throw SQLiteStore.closed }
                guard try !connection.hasMoved() else { throw SQLiteStore.moved(path) }
            }
        }
    }

    public func checkWritable() throws(StoreError) {
        let isLong: Bool
        switch try found() {
        case .free: return
        case .busy(let time):
            isLong = time > SQLiteStore.patience
            // Whether it is the same one that the next look meets can be told only by who looks between them, too.
            watch()
        // One writes now, which is as good a trial; or it waits for the lock that others have met before it.
        case .inUse:
            let times = [waitsSince.load(ordering: .relaxed), busySince.load(ordering: .relaxed)]
            let since = times.filter { $0 != 0 }.min()
            isLong = since.map { SQLiteStore.milliseconds() - $0 > SQLiteStore.patience } ?? false
        }
        guard isLong || foundBusy.load(ordering: .relaxed) else { return }
        throw StoreError(
            kind: .busy,
            message: "writing the database: \(path): another process holds its lock",
            remedy: SQLiteFailure.remedy(SQLITE_BUSY, 0, path)
        )
    }

    /// The lock of who writes, as it is found.
    private enum Lock {
        case free
        /// Each look has met another process's for so many milliseconds.
        case busy(Int64)
        /// A call of this process writes, or waits for it.
        case inUse
    }

    private func found() throws(StoreError) -> Lock {
        try looking.withLock { (_) throws(StoreError) in
            let found: Lock? = try writer.withLockIfAvailable { (connection) throws(StoreError) in
                guard let connection else { throw SQLiteStore.closed }
                guard try !connection.hasMoved() else { throw SQLiteStore.moved(path) }
                return try look(connection)
            }
            return found ?? .inUse
        }
    }

    /// Does not wait: who asks holds a thread that others wait for.
    private func look(_ connection: SQLiteConnection) throws(StoreError) -> Lock {
        let now = SQLiteStore.milliseconds()
        do throws(StoreError) { try connection.tryLock() } catch {
            guard error.kind == .busy else { throw error }
            // Another process may write at any moment: that is found by chance once, and not again and again.
            let (isFirst, since) = busySince.compareExchange(expected: 0, desired: now, ordering: .relaxed)
            return .busy(isFirst ? 0 : now - since)
        }
        isWritable()
        return .free
    }

    /// Looks on until the lock is free: a look now and one in ten seconds say nothing of the time between them.
    private func watch() {
        let (isFirst, _) = isWatched.compareExchange(expected: false, desired: true, ordering: .relaxed)
        if isFirst { lookLater() }
    }

    private func lookLater() {
        watcher.asyncAfter(deadline: .now() + .milliseconds(SQLiteStore.pause)) { [weak self] in
            guard let self else { return }
            do throws(StoreError) {
                switch try found() {
                case .busy, .inUse: return lookLater()
                case .free: break
                }
            } catch {
                // The store is closed, or its file is gone: whoever asks next meets that, too.
                return isWatched.store(false, ordering: .relaxed)
            }
            isWatched.store(false, ordering: .sequentiallyConsistent)
            // Met again just now, by somebody who saw that it is watched.
            if busySince.load(ordering: .sequentiallyConsistent) != 0 { watch() }
        }
    }

    /// Somebody has just had the lock.
    private func isWritable() {
        foundBusy.store(false, ordering: .relaxed)
        busySince.store(0, ordering: .relaxed)
    }

    // MARK: - Calls

    func write<Value: Sendable>(
        _ body: (SQLiteConnection) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        // What it waits for those before it counts, too: else the tenth call would wait ten times as long as the first.
        let began = SQLiteStore.milliseconds()
        return try writer.withLock { (connection) throws(StoreError) -> Value in
            guard let connection else { throw SQLiteStore.closed }
            let waited = SQLiteStore.milliseconds() - began
            connection.waits(for: Int32(max(0, Int64(options.busyTimeout) - waited)))
            // SQLite looks for this itself only where it makes a rollback journal.
            guard try !connection.hasMoved() else { throw SQLiteStore.moved(path) }
            do throws(StoreError) {
                waitsSince.store(SQLiteStore.milliseconds(), ordering: .relaxed)
                defer { waitsSince.store(0, ordering: .relaxed) }
                let value = try connection.transaction { () throws(StoreError) in
                    waitsSince.store(0, ordering: .relaxed)
                    isWritable()
                    return try body(connection)
                }
                isWritable()
                return value
            } catch {
                foundBusy.store(error.kind == .busy, ordering: .relaxed)
                throw error
            }
        }
    }

    /// One statement, or several that need not see the same moment.
    func read<Value: Sendable>(
        _ body: (SQLiteConnection) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let first = nextReader.wrappingAdd(1, ordering: .relaxed).newValue
        for offset in readers.indices {
            let reader = readers[Int(UInt(bitPattern: first &+ offset) % UInt(readers.count))]
            let value = try reader.connection.withLockIfAvailable { (connection) throws(StoreError) -> Value in
                guard let connection else { throw SQLiteStore.closed }
                return try body(connection)
            }
            if let value { return value }
        }
        return try readers[Int(UInt(bitPattern: first) % UInt(readers.count))].connection.withLock {
            (connection) throws(StoreError) -> Value in
            guard let connection else { throw SQLiteStore.closed }
            return try body(connection)
        }
    }

    /// Of the monotonic clock (clock_gettime(2)), never 0.
    private static func milliseconds() -> Int64 {
        var now = timespec()
        // It fails for no clock that the kernel has.
        guard clock_gettime(CLOCK_MONOTONIC_COARSE, &now) == 0 else { return 1 }
        return max(1, Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
    }

    private static var closed: StoreError {
        StoreError(
            kind: .other,
            message: "the store is closed",
            remedy: "the server is ending: ask again when it has started"
        )
    }

    private static func moved(_ path: String) -> StoreError {
        StoreError(
            kind: .unwritable,
            message: "the database \(path) was moved, deleted or replaced while it was open",
            remedy: "stop the server, put the file back with its -wal, and start it again"
        )
    }
}
