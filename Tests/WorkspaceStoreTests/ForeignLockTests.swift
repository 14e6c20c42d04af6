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

    /// Two short locks, each met by a look, and the database free between: no fault.
    @Test func twoShortLocksAreNotALongOne() throws {
        let store = try place.store()
        defer { store.close() }
        // A machine that stands still between the two looks may have seen nothing of the time between: it is asked again.
        var found: [Bool] = []
        for pause: UInt32 in [1, 4, 16] where found.last != true {
            let first = try holder()
            try store.checkWritable()
            _ = try first.end()
            sleep(pause)
            let second = try holder()
            do {
                try store.checkWritable()
                found.append(true)
            } catch { found.append(false) }
            _ = try second.end()
            try store.checkWritable()
        }
        #expect(found.last == true, "\(found)")
    }

    /// Found by a look and kept: a call that has just begun to wait for it says nothing else.
    @Test func aLockThatIsKeptStaysSeenWhileACallWaits() throws {
        let store = try place.store()
        defer { store.close() }
        let other = try holder()
        try store.checkWritable()
        usleep(400_000)
        for _ in 0..<5 {
            let done = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                #expect(throws: StoreError.self) { try store.write { (_) throws(StoreError) in } }
                done.signal()
            }
            for _ in 0..<20 {
                #expect(try storeError { try store.checkWritable() }.kind == .busy)
                usleep(5000)
            }
            #expect(done.wait(timeout: .now() + 60) == .success)
        }
        _ = try other.end()
    }

    /// The time that a call waits for those before it is part of its own.
    @Test func callsThatWaitDoNotWaitForEachOther() throws {
        let store = try place.store()
        defer { store.close() }
        let other = try holder()
        var longest: [Duration] = []
        // Eight times half a second would be four.
        for _ in 0..<3 where longest.last.map({ $0 >= .seconds(2) }) ?? true {
            let began = ContinuousClock.now
            let done = DispatchGroup()
            for _ in 0..<8 {
                done.enter()
                Thread.detachNewThread {
                    #expect(throws: StoreError.self) { try store.write { (_) throws(StoreError) in } }
                    done.leave()
                }
            }
            #expect(done.wait(timeout: .now() + 60) == .success)
            longest.append(ContinuousClock.now - began)
        }
        #expect(longest.last.map { $0 < .seconds(2) } == true, "\(longest)")
        _ = try other.end()
        try store.write { (_) throws(StoreError) in }
    }
}
