import Foundation
import Testing

@testable import WorkspaceStore

/// The same changes in each run: what traps does so again (Knuth's MMIX multiplier).
private struct Repeatable: RandomNumberGenerator {
    private var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 33
    }
}

@Suite("damaged files", .timeLimit(.minutes(120)))
struct CorruptFileTests {
    let place: Place
    /// A sound database with some rows, whole in its file.
    let sound: Data

    init() throws {
        place = try Place()
        let store = try place.store()
        for index in 0..<60 {
            let project = someProject(Int64(index))
            let job = someJob(project)
            try store.add(project, firstJob: job)
            try store.add([event(1, .stdout, String(repeating: "o", count: 3000))], to: job.id)
        }
        store.close()
        sound = try place.bytes()
    }

    private func expectCorrupt(_ data: Data, _ what: String) throws {
        try place.write(data)
        let error = try storeError { _ = try place.store() }
        #expect(error.kind == .corrupt, "\(what): \(error)")
        #expect(error.message.contains(place.path()) && error.remedy.contains("backup"), "\(error)")
        #expect(try place.bytes() == data, "\(what): the file was changed")
    }

    @Test func theSoundOneOpens() throws {
        let store = try place.store()
        #expect(try store.countProjects() == 60)
        store.close()
        try place.administration().check()
    }

    @Test func aTextFileIsNoDatabase() throws {
        try expectCorrupt(
            Data("This is a note, and long enough that it could be a header of a database.\n".utf8),
            "short"
        )
        try expectCorrupt(Data(String(repeating: "Another line.\n", count: 1000).utf8), "long")
        try expectCorrupt(Data("x".utf8), "one byte")
    }

    @Test func aCutFileIsSeen() throws {
        for count in [100, 4095, 4096, 4097, 8192, sound.count / 2, sound.count - 4096] {
            try expectCorrupt(sound.prefix(count), "\(count) bytes")
        }
    }

    @Test func zeroedPagesAreSeen() throws {
        for page in stride(from: 0, to: sound.count / 4096, by: 5) {
            var data = sound
            data.replaceSubrange(page * 4096..<(page + 1) * 4096, with: Data(count: 4096))
            try place.write(data)
            // A page of zeros inside a chain of overflow pages is data like any other to quick_check.
            do {
                try place.store().close()
                #expect(page > 0)
            } catch let error as StoreError {
                #expect(error.kind == .corrupt || error.kind == .unknownSchema, "\(page): \(error)")
            }
        }
        var first = sound
        first.replaceSubrange(0..<4096, with: Data(count: 4096))
        try expectCorrupt(first, "the first page")
    }

    @Test func changedBytesNeverCrash() throws {
        var random = Repeatable()
        var refused = 0
        for _ in 0..<150 {
            var data = sound
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                // The first pages hold header, schema and inner nodes: there more can go wrong.
                let end = Bool.random(using: &random) ? min(4096 * 4, data.count) : data.count
                data[Int.random(in: 0..<end, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            try place.write(data)
            for ending in ["-wal", "-shm", "-journal"] {
                let path = place.path("codex.db" + ending)
                if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
            }
            do {
                let store = try place.store()
                for project in try store.projects(limit: 1000, after: nil) {
                    for job in try store.jobs(of: project.id, limit: 10, after: nil) {
                        _ = try store.events(of: job.id, after: 0, limit: 10)
                    }
                }
                _ = try store.interruptUnfinished(at: someTime)
                _ = try place.administration().status()
            } catch is StoreError {
                refused += 1
            }
        }
        #expect(refused > 10)
    }

    @Test func aForeignLogIsNotPlayed() throws {
        try place.write(Data(repeating: 7, count: 100_000), "codex.db-wal")
        #expect(try place.store().countProjects() == 60)
    }
}
