import Foundation
import Testing

@testable import WorkspaceStore

/// A lock of another process, seen by whoever asks whether the store can be written.
@Suite struct ForeignLockTests {
    private let place: Place

    init() throws { place = try Place() }

    /// A program that holds the lock of who writes until its input ends.
    private func holder() throws -> Running {
        let program = """
            import sqlite3, sys
            db = sqlite3.connect(sys.argv[1], isolation_level=None)
            db.execute('BEGIN IMMEDIATE')
            print('held', flush=True)
            sys.stdin.read()
            db.execute('ROLLBACK')
            """
        let running = try Running("/usr/bin/env", ["python3", "-c", program, place.path()])
        #expect(running.line() == "held")
        return running
    }

    /// Calls on a thread of its own while another call writes, as a second request does.
    private func duringAWrite(_ store: SQLiteStore, _ body: @escaping @Sendable () throws -> Void) throws {
        try store.write { (_) throws(StoreError) in
            let done = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                #expect(throws: Never.self) { try body() }
                done.signal()
            }
            #expect(done.wait(timeout: .now() + 60) == .success)
        }
    }

    /// A thread that others wait for is not kept: neither by a look, however long the lock is held, nor by many.
    @Test func noLookWaits() throws {
        let store = try place.store()
        defer { store.close() }
        let other = try holder()
        let began = ContinuousClock.now
        for _ in 0..<40 { _ = Result { try store.checkWritable() } }
        // Forty times a quarter of a second would be ten.
        #expect(ContinuousClock.now - began < .seconds(5))
        _ = try other.end()
        try store.checkWritable()
    }

    @Test func aShortWriteOfAnotherProcessIsNoFault() throws {
        let store = try place.store()
        defer { store.close() }
        for _ in 0..<2 {
            let other = try holder()
            try store.checkWritable()
            _ = try other.end()
            // Not that of before: who had it has let it go.
            usleep(400_000)
            try store.checkWritable()
        }
    }

    @Test func aLockThatIsKeptIsSeen() throws {
        let store = try place.store()
        defer { store.close() }
        let other = try holder()
        try store.checkWritable()
        usleep(400_000)
        #expect(try storeError { try store.checkWritable() }.kind == .busy)
        try store.checkReady()
        _ = try other.end()
        try store.checkWritable()
        // All of it is forgotten: the next one begins anew.
        let next = try holder()
        try store.checkWritable()
        _ = try next.end()
    }

    /// A write that has waited in vain says it at once, and until somebody has had the lock.
    @Test func aFailedWriteIsForgottenByALook() throws {
        let store = try place.store()
        defer { store.close() }
        let other = try holder()
        #expect(try storeError { try store.write { (_) throws(StoreError) in } }.kind == .busy)
        #expect(try storeError { try store.checkWritable() }.kind == .busy)
        _ = try other.end()
        try store.checkWritable()
        // The call that writes here has not come to its end, which would forget it as well.
        try duringAWrite(store) { try store.checkWritable() }
    }
}
